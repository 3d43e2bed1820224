"""A sponsor: for how many minutes of honest service it can get away without paying.

Honest nodes serve its stream, each until it is told that it is not paid any more: the stream has
ended, its tokens are used up, or nobody can be verified. Then it goes to the sponsor's other
stream, if there is one. Where nobody can be verified it has found somebody else's stream by then,
as nodes do that may choose, and does not come back. What counts is what a node serves to viewers
and is not paid for, beyond what one loses of a stream that is published until it ends, as any does
that ends.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bench.simulations.adversary.bank import CALENDAR, MINUTE_MICROS, Bank, stream_of
from bench.simulations.adversary.chance import START, chance
from bench.simulations.adversary.deeds import OF_SPONSORS, Deed
from bench.simulations.adversary.evolution import Measured
from bench.simulations.adversary.known_strategies import HONEST
from bench.simulations.adversary.machines import SimulatedMachine
from bench.simulations.adversary.policies import (
    NEVER,
    Condition,
    Policy,
    Rule,
    Sight,
    Standing,
)
from bench.simulations.adversary.quests import Quest
from bench.simulations.adversary.scores import TAIL_MINUTES
from bench.simulations.adversary.simulated_network import Network
from bench.simulations.adversary.sponsored_streams import SponsoredStream
from bench.simulations.adversary.variation import Repertoire
from coordinator.ledger.accounts import Accounts
from coordinator.ledger.balances import opening_balance
from coordinator.streams import Stream

NODES = 5
HOURS = 7
"""Who has not asked to close by then does so an epoch before."""
MINUTES = 60 * HOURS
LIVES = 3
COME_WITHIN = 60
"""Minutes in which its nodes come."""
TOP_UP_MINUTES = 30 * NODES
DEPOSIT_MINUTES = {
    Standing.ONE_ADDRESS: NEVER * NODES,
    Standing.ONE_NETWORK: 150 * NODES,
    Standing.APART: 150 * NODES,
}
HAS = {
    Standing.ONE_ADDRESS: "tokens for good",
    Standing.ONE_NETWORK: "tokens for two and a half hours",
    Standing.APART: "two streams, each with tokens for two and a half hours",
}
"""A policy's standing says which; its keys but one are the sponsor's own, which come after its
period."""
PLAIN = Policy((), Deed.PUBLISH)
USUAL = (PLAIN, replace(PLAIN, standing=Standing.APART))
"""Streams with tokens for good: one; and two, of which the nodes of the one that ends go to the
other. Whoever moves begins anew, whatever the reason."""
CLOSES_BY, USUAL_CLOSES_BY = MINUTES - 120, 90
"""Minutes in which streams ask to close; and in which the first of those two does."""
AWAY = Policy((), Deed.LEAVE)
MOVING = Policy((), Deed.MOVE)


@dataclass
class Arena:
    """A sponsor, its streams and the nodes that serve them."""

    streams: list[SponsoredStream]
    nodes: list[SimulatedMachine]
    """Honest ones."""
    own: list[SimulatedMachine]
    served: float = 0.0
    """Minutes of honest nodes, as viewers get them."""
    gone: set[str] = field(default_factory=set)
    """Machines that have found somebody else's stream."""
    _by_name: dict[str, SponsoredStream] = field(init=False)

    def __post_init__(self) -> None:
        self._by_name = {one.stream.stream_id: one for one in self.streams}

    def acts(self, network: Network) -> None:
        """The sponsor does, then its nodes do."""
        keys = [key for machine in (*self.nodes, *self.own) for key in machine.keys]
        for one in self.streams:
            one.acts(network, [key for key in keys if network.minute >= key.first])
        paying = {one.stream.stream_id for one in self.streams if one.pays(network)}
        for machine in (*self.nodes, *self.own):
            here = machine.keys[0]
            is_here = here.since is not None
            if is_here and not paying and self._by_name[here.stream_id].is_unverified(network):
                self.gone.add(machine.name)
            machine.policy = MOVING if paying else AWAY
            if machine.name in self.gone:
                machine.policy = AWAY
            elif here.stream_id in paying:
                machine.policy = HONEST

    def counts(self, network: Network) -> None:
        """What viewers got of the minute that has passed."""
        for machine in self.nodes:
            key = machine.keys[0]
            stream = self._by_name[key.stream_id]
            is_served = key.since is not None and key.stream_id not in network.idle
            self.served += is_served and not stream.has_ended(network.minute - 1)

    def unpaid(self, bank: Bank) -> tuple[float, float]:
        """(minutes served and not paid, paid ones), of an honest node, for each of the streams."""
        books = Accounts()
        for one in self.streams:
            for statement in bank.held[one.stream.stream_id]:
                books = books.applying(statement)
        accounts = (books.nodes.get(machine.keys[0].node_id) for machine in self.nodes)
        micros = sum(account.earned_micros for account in accounts if account is not None)
        paid, ends = micros / MINUTE_MICROS, len(self.nodes) * len(self.streams)
        return (self.served - paid) / ends, paid / ends


def sponsor_lives(policies: Sequence[Policy], seed: int) -> list[Measured]:
    """Some lives of each: unpaid minutes of a node, beyond usual streams'; and the paid ones."""
    lives = _lived([one for one in (*USUAL, *policies) for _ in range(LIVES)], seed)
    plain, moved, *others = (lives[at : at + LIVES] for at in range(0, len(lives), LIVES))
    usual = [moved if policy.standing is Standing.APART else plain for policy in policies]
    return [
        [(unpaid - least, paid) for (unpaid, paid), (least, _) in zip(one, like, strict=True)]
        for one, like in zip(others, usual, strict=True)
    ]


def _lived(policies: Sequence[Policy], seed: int) -> list[tuple[float, float]]:
    """The first ones are the usual streams, that have tokens for good."""
    usual = LIVES * len(USUAL)
    arenas = [_arena(policy, at, seed, is_usual=at < usual) for at, policy in enumerate(policies)]
    streams = [one.stream for arena in arenas for one in arena.streams]
    bank = Bank(START, streams)
    for at, arena in enumerate(arenas):
        for one in arena.streams:
            has = Standing.ONE_ADDRESS if at < usual else one.policy.standing
            deposit = DEPOSIT_MINUTES[has] * MINUTE_MICROS
            opening = opening_balance(one.stream, deposit, CALENDAR)
            bank.balances[one.stream.stream_id] = opening
    machines = [one for arena in arenas for one in (*arena.nodes, *arena.own)]
    network = Network(machines, bank, seed)
    for _ in range(MINUTES):
        for arena in arenas:
            arena.acts(network)
        network.runs(1)
        for arena in arenas:
            arena.counts(network)
    bank.settles_until(MINUTES + TAIL_MINUTES, network.roster)
    return [arena.unpaid(bank) for arena in arenas]


def _arena(policy: Policy, at: int, seed: int, *, is_usual: bool) -> Arena:
    count = 2 if policy.standing is Standing.APART else 1
    streams = [f"p{at}.{number}" for number in range(count)]
    made = [_from_the_start(stream_of(name)) for name in streams]
    both = (streams[0], streams[-1])
    nodes = [
        SimulatedMachine(
            f"h{seed}.{at}.{n}",
            at * 10 + n,
            HONEST,
            both,
            comes_at=int(COME_WITHIN * chance(f"h{seed}.{at}.{n}", 0, 3)),
        )
        for n in range(NODES)
    ]
    own = [
        SimulatedMachine(f"o{seed}.{at}.{n}", at * 10 + NODES + n, HONEST, both, policy.period)
        for n in range(policy.keys - 1)
    ]
    ends = (USUAL_CLOSES_BY if is_usual else CLOSES_BY, CLOSES_BY)
    sponsored = [
        SponsoredStream(stream, policy, n, closes_by, TOP_UP_MINUTES)
        for n, (stream, closes_by) in enumerate(zip(made, ends[-count:], strict=True))
    ]
    return Arena(sponsored, nodes, own)


def _from_the_start(stream: Stream) -> Stream:
    """Registered when the network begins."""
    return stream.model_copy(update={"created_s": START * 60.0})


def told(policy: Policy) -> str:
    """In words."""
    count = f"{policy.keys - 1} node{'s' * (policy.keys > 2)} of its own"
    with_nodes = f" and {count} that come after {policy.period} min" if policy.keys > 1 else ""
    alone = str(replace(policy, keys=1))
    return f"with {HAS[policy.standing]}{with_nodes}: {alone}"


def _once(sight: Sight, value: int, deed: Deed, otherwise: Deed = Deed.PUBLISH) -> Policy:
    return Policy((Rule((Condition(sight, value, below=False),), deed),), otherwise)


KNOWN = [
    PLAIN,
    *(_once(Sight.OPEN, at, Deed.CLOSE) for at in (0, 90, 150)),
    *(_once(Sight.WAITING, most, Deed.CLOSE) for most in (20, 25)),
    *(_once(Sight.WAITING, most, Deed.CLOSE_AND_PAUSE) for most in (20, 25)),
    *(_once(Sight.OPEN, at, Deed.UNVERIFIABLE) for at in (180, 240)),
    replace(PLAIN, standing=Standing.ONE_NETWORK),
    replace(PLAIN, standing=Standing.APART),
    *(replace(PLAIN, standing=Standing.ONE_NETWORK, keys=4, period=at) for at in (1, 130)),
    replace(
        Policy((Rule((Condition(Sight.LASTS, 5),), Deed.TOP_UP),), Deed.PUBLISH),
        standing=Standing.ONE_NETWORK,
    ),
]
SIGHTS = (
    *(Sight.OPEN, Sight.WAITING, Sight.MOST_WAITING, Sight.ASKED, Sight.LASTS),
    *(Sight.MINUTE, Sight.CYCLE, Sight.TURN, Sight.COIN),
)
CLOCKS = (Sight.OPEN, Sight.CYCLE, Sight.ASKED, Sight.MINUTE)


def closer_lives(policies: Sequence[Policy], seed: int) -> list[Measured]:
    """Of those whose tokens do not run out."""
    return sponsor_lives([_with_tokens(policy) for policy in policies], seed)


def told_of_closer(policy: Policy) -> str:
    """In words."""
    return told(_with_tokens(policy))


def _with_tokens(policy: Policy) -> Policy:
    return replace(policy, standing=Standing.ONE_ADDRESS)


def _quest(name: str, deeds: Iterable[Deed]) -> Quest:
    known = Repertoire(tuple(deeds), SIGHTS, CLOCKS)
    starts = [policy for policy in KNOWN if policy.deeds <= set(known.deeds)]
    return Quest(name, sponsor_lives, known, starts, told)


CLOSER = replace(
    _quest("sponsor who closes", (Deed.PUBLISH, Deed.CLOSE)),
    measure=closer_lives,
    told=told_of_closer,
)
SPONSOR = _quest("sponsor whose tokens run out", (Deed.PUBLISH, Deed.CLOSE, Deed.TOP_UP))
PAUSING = _quest(
    "sponsor who stops, or publishes what cannot be verified",
    (deed for deed in Deed if deed in OF_SPONSORS),
)
