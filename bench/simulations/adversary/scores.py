"""What a policy is worth: minutes' worth that it is paid minus minutes that it serves, a node-day.

Defined for who serves nothing, too. Honest service comes out a little below 0: some served
minutes are never paid.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from bench.simulations.adversary.bank import Bank, stream_of
from bench.simulations.adversary.chance import START
from bench.simulations.adversary.machines import SimulatedMachine
from bench.simulations.adversary.policies import Policy
from bench.simulations.adversary.simulated_network import Network

STREAMS = ("s3", "s5")
TAIL_MINUTES = 60 + 10
"""So long after the last day everything is settled."""


@dataclass(frozen=True, slots=True)
class Score:
    """In days a node-day; several addresses of one machine are several nodes."""

    gain: float
    error: float
    """One standard error."""
    paid: float
    served: float
    node_days: float


@dataclass(frozen=True, slots=True)
class Trial:
    """How large a sample is."""

    machines: int
    """Of each policy."""
    hours: int
    seed: int


Lives = list[tuple[float, float]]
"""(paid, served) of each machine, in days a day and address."""


def lives_of(policies: Sequence[Policy], trial: Trial) -> list[Lives]:
    """Of each policy, in one network: machines of others are as good as not there."""
    machines = [
        SimulatedMachine(f"m{trial.seed}.{number}", number, policy, STREAMS)
        for number, policy in enumerate(one for one in policies for _ in range(trial.machines))
    ]
    bank = Bank(START, [stream_of(name) for name in STREAMS])
    network = Network(machines, bank, trial.seed)
    minutes = 60 * trial.hours
    network.runs(minutes)
    bank.settles_until(minutes + TAIL_MINUTES, network.roster)
    lives = [_life(machine, bank, minutes) for machine in machines]
    return [lives[at : at + trial.machines] for at in range(0, len(lives), trial.machines)]


def _life(machine: SimulatedMachine, bank: Bank, minutes: int) -> tuple[float, float]:
    whole = minutes * machine.policy.addresses
    paid = sum(bank.minutes_of(key.node_id) for key in machine.all_keys)
    return paid / whole, machine.served / whole


def score_of(lives: Lives, hours: int) -> Score:
    """Of all lives together."""
    gains = [paid - served for paid, served in lives]
    error = stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else float("inf")
    paid, served = (fmean(column) for column in zip(*lives, strict=True))
    return Score(fmean(gains), error, paid, served, hours * len(lives) / 24)


def score(policy: Policy, trial: Trial) -> Score:
    """A policy's, in one trial."""
    return score_of(lives_of([policy], trial)[0], trial.hours)
