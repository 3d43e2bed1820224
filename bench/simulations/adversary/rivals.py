"""A rival: what it makes honest nodes lose, for every minute that it serves for that.

Places are scarce: the stream pays two nodes, three honest ones come after the rival. What a rival
takes by serving is competition, so it is no harm: what counts is what honest nodes lose beyond the
minutes that the rival served and was paid for. What it forfeits of that later is its own loss, and
nobody else's: its neighbours lost no more than beside an honest node that left.

A neighbour stands behind one's own address, as many do behind a carrier's. There places are plenty:
else the other two were paid what one loses.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bench.simulations.adversary.bank import Bank, stream_of
from bench.simulations.adversary.chance import START
from bench.simulations.adversary.deeds import MOVES, Deed
from bench.simulations.adversary.evolution import Measured
from bench.simulations.adversary.known_strategies import CATALOGUE, HONEST
from bench.simulations.adversary.machines import SimulatedMachine
from bench.simulations.adversary.policies import Policy, Standing
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


def rival_lives(policies: Sequence[Policy], seed: int, places: int = PLACES) -> list[Measured]:
    """One life of each: harm for every minute spent, and the spent share of its life."""
    alone, _ = _lived([], len(policies), seed, places)
    beside, rivals = _lived(policies, len(policies), seed, places)
    found: list[Measured] = []
    for before, after, (earned, served) in zip(alone, beside, rivals, strict=True):
        harm = before - after - min(earned, served)
        found.append([(harm / max(served, SPENT_MIN), served / MINUTES)])
    return found


def _lived(
    rivals: Sequence[Policy], arenas: int, seed: int, places: int
) -> tuple[list[float], list[tuple[float, float]]]:
    """(what honest nodes were paid, (earned, served) of the rival) in each arena."""
    victims = [
        [_victim(arena, number, seed) for number in range(VICTIMS)] for arena in range(arenas)
    ]
    foes = [_rival(policy, arena, seed) for arena, policy in enumerate(rivals)]
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


def _rival(policy: Policy, arena: int, seed: int) -> SimulatedMachine:
    first = arena * VICTIMS
    victim = f"51.{first // 250}.{first % 250}"
    address = {
        Standing.ONE_ADDRESS: f"77.{arena // 250}.{arena % 250}.1",
        Standing.ONE_NETWORK: f"{victim}.77",
        Standing.APART: f"{victim}.1",
    }[policy.standing]
    return SimulatedMachine(f"r{seed}.{arena}", 0, policy, (_stream(arena),), network=address)


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
