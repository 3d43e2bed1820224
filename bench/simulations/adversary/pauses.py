"""Operators who know when a sponsor stops publishing: what a pause for good pays is not checked.

A stream is published for two hours of four, so a node that leaves in the pause is away for a
whole epoch, and its minutes lapse but for those that ADR 59 pays. Every operator knows the hours
(`Sight.CYCLE`): it is a sponsor's own node as well, or a friend's. Minutes in which nobody
publishes are served to nobody.
"""

from collections.abc import Sequence
from dataclasses import replace

from bench.simulations.adversary.bank import Bank, stream_of
from bench.simulations.adversary.chance import START
from bench.simulations.adversary.deeds import Deed
from bench.simulations.adversary.evolution import Measured
from bench.simulations.adversary.machines import SimulatedMachine
from bench.simulations.adversary.policies import Condition, Policy, Rule, Sight
from bench.simulations.adversary.quests import KNOWN_FROM_OUTSIDE, Quest
from bench.simulations.adversary.scores import STREAMS, TAIL_MINUTES
from bench.simulations.adversary.simulated_network import Network
from bench.simulations.adversary.variation import Repertoire

PERIOD, LIVE, LEAVES = 240, 120, 125
"""A node has to be seen waiting for a publisher: else it has left, and all that waits lapses."""
HOURS = 24
LIVES = 2


def pause_lives(policies: Sequence[Policy], seed: int) -> list[Measured]:
    """Paid minus served, and paid, in days a day, of each life."""
    wanted = [replace(one, period=PERIOD) for one in policies for _ in range(LIVES)]
    machines = [
        SimulatedMachine(f"e{seed}.{number}", number, policy, STREAMS)
        for number, policy in enumerate(wanted)
    ]
    for machine in machines:
        machine.offset = 0  # the sponsor's hours are everybody's
    bank = Bank(START, [stream_of(name) for name in STREAMS])
    network = Network(machines, bank, seed)
    for minute in range(60 * HOURS):
        _publishes(network, minute)
        before = [machine.served for machine in machines]
        network.runs(1)
        if network.idle:
            for machine, served in zip(machines, before, strict=True):
                machine.served = served
    bank.settles_until(60 * HOURS + TAIL_MINUTES, network.roster)
    lives = [_life(machine, bank) for machine in machines]
    return [lives[at : at + LIVES] for at in range(0, len(lives), LIVES)]


def _publishes(network: Network, minute: int) -> None:
    network.idle.clear()
    if minute % PERIOD >= LIVE:
        network.idle.update(STREAMS)


def _life(machine: SimulatedMachine, bank: Bank) -> tuple[float, float]:
    whole = 60 * HOURS * machine.policy.addresses
    paid = sum(bank.minutes_of(key.node_id) for key in machine.all_keys)
    return (paid - machine.served) / whole, paid / whole


def _until(minute: int, deed: Deed) -> Rule:
    return Rule((Condition(Sight.CYCLE, minute),), deed)


def _stops_serving(minute: int, *, stays: bool) -> Policy:
    """It claims for the rest of the hours that it knows."""
    rules = (_until(minute, Deed.SERVE), _until(LEAVES, Deed.CLAIM))
    return Policy(rules, Deed.WAIT if stays else Deed.LEAVE, period=PERIOD)


LEAVING = Policy((_until(LEAVES, Deed.SERVE),), Deed.LEAVE, period=PERIOD)
"""Honest: it is there while somebody publishes, and leaves when nobody does."""
RESTING_WHEN_CHECKED = Policy(
    (
        _until(75, Deed.SERVE),
        Rule((Condition(Sight.SINCE_GOOD, 45), Condition(Sight.CYCLE, LEAVES)), Deed.CLAIM),
        _until(LEAVES, Deed.SERVE),
    ),
    Deed.LEAVE,
    period=PERIOD,
)
"""Once it was checked it serves no more: it hopes that no check comes."""
STARTS = [
    LEAVING,
    RESTING_WHEN_CHECKED,
    *(_stops_serving(at, stays=False) for at in (60, 80, 90, 100)),
    *(_stops_serving(at, stays=True) for at in (80, 100)),
]
CLOCKS = (Sight.CYCLE, Sight.CYCLE, Sight.CYCLE, Sight.SINCE_CHECK, Sight.SINCE_GOOD, Sight.STAY)
EXPECTING_PAUSES = Quest(
    "operator who knows when the sponsor stops",
    pause_lives,
    Repertoire(KNOWN_FROM_OUTSIDE, clocks=CLOCKS),
    STARTS,
)
