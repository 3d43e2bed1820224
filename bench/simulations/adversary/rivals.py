"""A rival: what it makes honest nodes lose, for every minute that it serves for that.

Places are scarce: the stream pays two nodes, three honest ones come after the rival. What a rival
takes by serving is competition, so it is no harm: what counts is what honest nodes lose beyond the
minutes that the rival served and was paid for. What it forfeits of that later is its own loss, and
nobody else's: its neighbours lost no more than beside an honest node that left.

A neighbour stands behind one's own address, as many do behind a carrier's. There places are plenty:
else the other two were paid what one loses.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import fmean, stdev

from bench.report import Figure
from bench.simulations.adversary.bank import Bank, stream_of
from bench.simulations.adversary.chance import START
from bench.simulations.adversary.deeds import MOVES, Deed
from bench.simulations.adversary.evolution import Measured
from bench.simulations.adversary.known_strategies import CATALOGUE, HONEST
from bench.simulations.adversary.machines import SimulatedMachine
from bench.simulations.adversary.policies import Condition, Policy, Rule, Sight, Standing
from bench.simulations.adversary.quests import APART, OF_OPERATORS, Quest
from bench.simulations.adversary.scores import TAIL_MINUTES
from bench.simulations.adversary.simulated_network import Network
from bench.simulations.adversary.variation import Repertoire

PLACES, VICTIMS = 2, 3
PLENTY = 100
COME_AT = 60
"""Honest nodes come in these minutes, one after the other: the rival has seniority if it likes."""
MINUTES = 12 * 60
SPENT_MIN = 15
"""Who serves less than a check interval a life is taken to have spent so much."""
STANDS = {
    Standing.ONE_ADDRESS: "at an address of its own",
    Standing.ONE_NETWORK: "at another address of a victim's /24",
    Standing.APART: "behind a victim's own address",
}
"""Where a rival's keys are, all at one address; a policy's standing says which."""


def rival_lives(
    policies: Sequence[Policy], seed: int, places: int = PLACES, comes_at: int = 0
) -> list[Measured]:
    """One life of each: harm for every minute spent, and the spent share of its life."""
    alone, _ = _lived([], len(policies), seed, places)
    beside, rivals = _lived(policies, len(policies), seed, places, comes_at)
    found: list[Measured] = []
    for before, after, (earned, served) in zip(alone, beside, rivals, strict=True):
        harm = before - after - min(earned, served)
        found.append([(harm / max(served, SPENT_MIN), served / MINUTES)])
    return found


def _lived(
    rivals: Sequence[Policy], arenas: int, seed: int, places: int, comes_at: int = 0
) -> tuple[list[float], list[tuple[float, float]]]:
    """(what honest nodes were paid, (earned, served) of the rival) in each arena."""
    victims = [
        [_victim(arena, number, seed) for number in range(VICTIMS)] for arena in range(arenas)
    ]
    foes = [_rival(policy, arena, seed, comes_at) for arena, policy in enumerate(rivals)]
    bank = Bank(START, [stream_of(_stream(arena)) for arena in range(arenas)], places)
    network = Network([*foes, *(one for arena in victims for one in arena)], bank, seed)
    network.runs(MINUTES)
    bank.settles_until(MINUTES + TAIL_MINUTES, network.roster)
    paid = [sum(map(bank.minutes_of, _ids(arena))) for arena in victims]
    return paid, [(sum(map(bank.earned_minutes_of, _ids([foe]))), foe.served) for foe in foes]


def _victim(arena: int, number: int, seed: int) -> SimulatedMachine:
    name = f"h{seed}.{arena}.{number}"
    at = COME_AT + 7 * number
    return SimulatedMachine(name, arena * VICTIMS + number, HONEST, (_stream(arena),), comes_at=at)


def _rival(policy: Policy, arena: int, seed: int, comes_at: int) -> SimulatedMachine:
    first = arena * VICTIMS
    victim = f"51.{first // 250}.{first % 250}"
    address = {
        Standing.ONE_ADDRESS: f"77.{arena // 250}.{arena % 250}.1",
        Standing.ONE_NETWORK: f"{victim}.77",
        Standing.APART: f"{victim}.1",
    }[policy.standing]
    name, streams = f"r{seed}.{arena}", (_stream(arena),)
    return SimulatedMachine(name, 0, policy, streams, comes_at, network=address)


def _stream(arena: int) -> str:
    return f"s{arena}"


def _ids(machines: Iterable[SimulatedMachine]) -> list[str]:
    return [key.node_id for machine in machines for key in machine.all_keys]


def told(policy: Policy) -> str:
    """In words."""
    alone = str(replace(policy, keys=1))
    return f"{policy.keys} key{'s' * (policy.keys > 1)} {STANDS[policy.standing]}: {alone}"


def neighbour_lives(policies: Sequence[Policy], seed: int) -> list[Measured]:
    """Of those behind a victim's own address, where the stream has places for all."""
    return rival_lives([_beside_a_victim(policy) for policy in policies], seed, PLENTY)


def told_of_neighbour(policy: Policy) -> str:
    """In words."""
    return told(_beside_a_victim(policy))


def _beside_a_victim(policy: Policy) -> Policy:
    return replace(policy, standing=Standing.APART)


def _serving(minutes: int, then: Deed, keys: int = 1) -> Policy:
    """For so many minutes from its coming, and then it does something else."""
    rule = Rule((Condition(Sight.KEY_AGE, minutes),), Deed.SERVE)
    return Policy((rule,), then, keys=keys)


KNOWN_NEIGHBOURS = {
    "comes as its victim does, serves for 9 min, then claims": (60, _serving(9, Deed.CLAIM)),
    "comes 12 min before it, serves for these, then claims": (48, _serving(12, Deed.CLAIM)),
    "the same with four keys": (48, _serving(12, Deed.CLAIM, 4)),
    "the same, 30 min before it": (30, _serving(30, Deed.CLAIM, 4)),
    "serves for an hour with four keys, then says goodbye in each check": (
        0,
        _serving(COME_AT, Deed.HANG_AND_LEAVE, 4),
    ),
}
"""Found by hand: when each comes, and what it does."""
ARENAS, ARENA_SEED = 40, 1_500_000


def known_neighbour_figures() -> list[Figure]:
    """Each in arenas of its own, behind a victim's own address."""
    found: list[Figure] = []
    for name, (comes_at, policy) in KNOWN_NEIGHBOURS.items():
        lives = rival_lives([_beside_a_victim(policy)] * ARENAS, ARENA_SEED, PLENTY, comes_at)
        harms = [harm for life in lives for harm, _ in life]
        error = stdev(harms) / math.sqrt(ARENAS)
        said = f"rival behind a victim's own address, {name} (±{error:.2f}; {REASON})"
        found.append(Figure(f"{said}: honest minutes lost for each", fmean(harms), "", "<= 0.1"))
    return found


REASON = "what no rules reach: ADR 86, 92"
UNKNOWN_TO_RIVALS = APART | MOVES | {Deed.TWINS_ONLY}
"""The last takes nothing from anybody but the sponsor."""
KNOWN_TO_RIVALS = Repertoire(tuple(each for each in OF_OPERATORS if each not in UNKNOWN_TO_RIVALS))
RIVAL = Quest("rival", rival_lives, KNOWN_TO_RIVALS, CATALOGUE, told)
NEIGHBOUR = Quest(
    "rival behind a victim's own address",
    neighbour_lives,
    KNOWN_TO_RIVALS,
    CATALOGUE,
    told_of_neighbour,
)
