"""One operator's machine in the simulated network: its keys, and what it can know of each."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bench.simulations.adversary.chance import START, chance
from bench.simulations.adversary.deeds import ANSWERS, SERVINGS, UP, Deed, Serving
from bench.simulations.adversary.policies import NEVER, Policy, Sight, Standing
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.credit import DEGRADED_TAKES, credit_after
from coordinator.checking.lengths import Length
from coordinator.checking.suspicion import DEGRADED_OF, Trust
from coordinator.reasons import Reason
from coordinator.strangers.relay_stats import RelayStats
from coordinator.strangers.source_bounds import NEW_KEYS, Side
from coordinator.strangers.token_buckets import Rates

RETEST_MINUTES = 2
"""So long after a failed connection its retest is over."""
_KEYS = NEW_KEYS[Side.ADDRESS]


@dataclass(slots=True, eq=False)
class Key:
    """A node as the coordinator knows it, and what its operator knows of it."""

    seen_with: str
    """Its machine's."""
    node_id: str
    address: str
    seat: int
    """Which of its machine's keys it stands for."""
    stream_id: str
    first: int
    """The minute in which it came first."""
    since: int | None = None
    """The minute in which this stay began; None while it is away."""
    left: int = -NEVER
    checked: int = -NEVER
    passed: int = -NEVER
    passed_longest: int = -NEVER
    was_up: int = -NEVER
    passes: int = 0
    """In this stay."""
    has_failed: bool = False
    lately_degraded: int = 0
    """Which of its last checks were, one bit each."""
    credit: int = 0
    """As the trust book has it."""
    trust: Trust = Trust.UNPROVEN
    refused: int = -NEVER
    connected_s: float = -1e9
    """When the prober last connected."""
    goodbye_s: float | None = None
    """When it did so in a connection, until it comes again: once no retest can come any more."""
    log: list[Check] = field(default_factory=list)
    """Its checks."""
    deed: Deed = Deed.LEAVE
    serving: Serving | None = None
    answer: RelayStats | Reason = UP

    def does(self, deed: Deed) -> None:
        """What polls and connections of this minute get."""
        if deed is self.deed:
            return
        self.deed, self.serving, self.answer = deed, SERVINGS.get(deed), ANSWERS.get(deed, UP)

    def comes(self, minute: int) -> None:
        """A stay begins."""
        self.since, self.goodbye_s = minute, None

    def goes(self, minute: int) -> None:
        """It ends."""
        self.since, self.left, self.passes = None, minute, 0
        self.does(Deed.LEAVE)

    def is_leaving(self, minute: int) -> bool:
        """Whether it has said goodbye in a connection, and a retest may still come."""
        is_over = self.since is None and minute >= self.left + RETEST_MINUTES
        return self.goodbye_s is not None and not is_over

    def learns(self, check: Check, minute: int, trust: Trust) -> None:
        """A check of it is on record, and its next heartbeat is told how it stands."""
        self.trust = trust
        self.log.append(check)
        if not check.verdict.counts:
            return
        self.checked = minute
        self.has_failed = check.verdict is Verdict.FAIL
        is_degraded = check.verdict is Verdict.DEGRADED
        self.lately_degraded = (self.lately_degraded << 1 | is_degraded) % (1 << DEGRADED_OF)
        self.credit = credit_after(self.credit, check)
        if not self.has_failed:
            self.passed, self.passes = minute, self.passes + 1
            if check.length is Length.VERY_LONG:
                self.passed_longest = minute


@dataclass(slots=True, eq=False)
class SimulatedMachine:
    """An operator's, with a policy."""

    name: str
    number: int
    """Gives it addresses that nobody else has."""
    policy: Policy
    streams: tuple[str, ...]
    comes_at: int = 0
    network: str = ""
    """The beginning of its addresses, if it is not to stand apart: `51.0.7`, or an address."""
    offset: int = field(init=False)
    keys: list[Key] = field(init=False)
    """Those that stand for each seat now."""
    all_keys: list[Key] = field(init=False)
    served: float = 0.0
    """Minutes, as viewers get them."""
    _newcomers: Rates = field(default_factory=lambda: Rates(1 / _KEYS.every_s, _KEYS.burst))
    """The api's, of its addresses: one may bring only so many keys."""

    def __post_init__(self) -> None:
        self.offset = int(1440 * chance(self.name, 0, 1))
        self.all_keys = []
        self.keys = [self._made(seat, self.comes_at) for seat in range(self.policy.keys)]
        for key in self.keys:
            self.may_renew(key, self.comes_at)

    def _made(self, seat: int, minute: int) -> Key:
        node_id = f"{self.name}-{len(self.all_keys)}"
        key = Key(self.seen_with, node_id, self._address(seat), seat, self.streams[0], minute)
        self.all_keys.append(key)
        return key

    @property
    def seen_with(self) -> str:
        """Whose machines the prober sees beside each other: those at one address of one stream.

        Each has a trust book of its own else: among thousands of honest nodes no other machine's
        failures would be many."""
        return f"{self.streams[0]} {self._address(0)}"

    def may_renew(self, old: Key, minute: int) -> bool:
        """Whether the api takes in another key from there; it counts this one, if so."""
        return not self._newcomers.wait_s(old.address, minute * 60.0)

    def renewed(self, old: Key, minute: int) -> Key:
        """Another key in the old one's place."""
        key = self._made(old.seat, minute)
        key.stream_id = old.stream_id
        self.keys[old.seat] = key
        return key

    def _address(self, seat: int) -> str:
        if self.network.count(".") == 3:
            return self.network
        network = self.network or f"51.{self.number // 250}.{self.number % 250}"
        if self.policy.standing is Standing.ONE_ADDRESS:
            return f"{network}.1"
        if self.policy.standing is Standing.ONE_NETWORK:
            return f"{network}.{seat + 1}"
        return f"{52 + seat}.{self.number // 250}.{self.number % 250}.1"

    def counts(self) -> None:
        """Adds what viewers got of this minute: once of nodes behind one address."""
        if len(self.keys) == 1:
            serving = self.keys[0].serving
            self.served += serving.to_viewers if serving is not None else 0.0
            return
        best: dict[tuple[str, str], float] = {}
        for key in self.keys:
            if key.serving is not None:
                got = key.serving.to_viewers
                stream = key.address, key.stream_id
                best[stream] = max(best.get(stream, 0.0), got)
        self.served += sum(best.values())


SUSPECT = frozenset({Trust.FLAGGED, Trust.SUSPENDED, Trust.FRAUD})
SIGHTS: dict[Sight, Callable[[Key, int, SimulatedMachine], int]] = {
    Sight.STAY: lambda key, t, _: 0 if key.since is None else t - key.since,
    Sight.AWAY: lambda key, t, _: 0 if key.since is not None else t - key.left,
    Sight.KEY_AGE: lambda key, t, _: t - key.first,
    Sight.SINCE_CHECK: lambda key, t, _: t - key.checked,
    Sight.SINCE_GOOD: lambda key, t, _: t - key.passed,
    Sight.SINCE_LONGEST: lambda key, t, _: t - key.passed_longest,
    Sight.PASSES: lambda key, _t, _m: key.passes,
    Sight.HAS_FAILED: lambda key, _t, _m: key.has_failed,
    Sight.IS_SUSPECT: lambda key, _t, _m: key.trust in SUSPECT,
    Sight.DEGRADED: lambda key, _t, _m: key.lately_degraded.bit_count(),
    Sight.WAS_DEGRADED: lambda key, _t, _m: key.lately_degraded & 1,
    Sight.CREDIT: lambda key, _t, _m: key.credit // DEGRADED_TAKES,
    Sight.REFUSED: lambda key, t, _: START + t - key.refused <= 1,
    Sight.SINCE_UP: lambda key, t, _: t - key.was_up,
    Sight.MINUTE: lambda _k, t, _m: t % 60,
    Sight.CYCLE: lambda _k, t, one: (t + one.offset) % one.policy.period,
    Sight.TURN: lambda key, t, one: (
        (t + one.offset) // one.policy.period % one.policy.keys != key.seat
    ),
    Sight.COIN: lambda key, t, _: int(100 * chance(key.node_id, t, 0)),
}
