"""What honest nodes get: the first paid minute, a stay of two hours, ten days."""

from dataclasses import dataclass
from statistics import quantiles

from bench.report import Figure
from bench.simulations.adversary.bank import Bank, stream_of
from bench.simulations.adversary.chance import START, chance
from bench.simulations.adversary.deeds import Deed
from bench.simulations.adversary.known_strategies import HONEST
from bench.simulations.adversary.machines import Key, SimulatedMachine
from bench.simulations.adversary.policies import Condition, Policy, Rule, Sight
from bench.simulations.adversary.scores import TAIL_MINUTES
from bench.simulations.adversary.simulated_network import Network

STAY_MINUTES = 120
STREAM = "s3"
GUEST = Policy((Rule((Condition(Sight.KEY_AGE, STAY_MINUTES),), Deed.SERVE),), Deed.LEAVE)
"""It comes for two hours, once."""
REGULAR = Policy(
    (Rule((Condition(Sight.CYCLE, STAY_MINUTES),), Deed.SERVE),), Deed.LEAVE, period=1440
)
"""It comes every day for two hours, with the same key."""


@dataclass(frozen=True, slots=True)
class Honest:
    """Shares of served minutes that were paid."""

    guest: float
    regular: float
    always: float
    first_paid_min: list[float]
    """Of each guest: from its start to the check that pays its first minute."""


def honest_lives(nodes: int, days: int) -> Honest:
    """So many guests, regulars and nodes that stay."""
    guests = [
        SimulatedMachine(f"g{n}", n, GUEST, (STREAM,), comes_at=int(600 * chance("guest", n, 3)))
        for n in range(nodes)
    ]
    network, bank = _network(guests)
    network.runs(600 + STAY_MINUTES + TAIL_MINUTES)
    first = [_first_paid_min(one.all_keys[0]) for one in guests]
    guest = _paid_share(guests, bank)
    shares = []
    for name, policy in (("r", REGULAR), ("a", HONEST)):
        machines = [SimulatedMachine(f"{name}{n}", n, policy, (STREAM,)) for n in range(nodes)]
        network, bank = _network(machines)
        network.runs(1440 * days)
        bank.settles_until(1440 * days + TAIL_MINUTES, network.roster)
        shares.append(_paid_share(machines, bank))
    return Honest(guest, shares[0], shares[1], first)


def stay_figures(nodes: int, days: int) -> list[Figure]:
    """What `honest_lives` come to, beside the goals."""
    honest = honest_lives(nodes, days)
    first = quantiles(honest.first_paid_min, n=20)[-1]
    return [
        Figure("docker run to the first paid minute, 95 %", first, "min", "<= 45"),
        Figure("paid of a first stay of two hours", 100 * honest.guest, "%", ">= 75"),
        Figure("paid of two hours every day", 100 * honest.regular, "%", ">= 75"),
        Figure("honest node, 3 % of connections fail: paid", 100 * honest.always, "%", ">= 99.5"),
    ]


def _network(machines: list[SimulatedMachine]) -> tuple[Network, Bank]:
    bank = Bank(START, [stream_of(STREAM)])
    return Network(machines, bank, 11), bank


def _paid_share(machines: list[SimulatedMachine], bank: Bank) -> float:
    served = sum(machine.served for machine in machines)
    return sum(bank.minutes_of(key.node_id) for one in machines for key in one.all_keys) / served


def _first_paid_min(key: Key) -> float:
    """The second check that may pay does so; it was started at some second of the minute before.

    The whole stay, if that never came."""
    passes = [check.due_s for check in key.log if check.may_pay]
    started_s = (START + key.first) * 60 - 60 * chance(key.node_id, 0, 4)
    return (passes[1] - started_s) / 60 if len(passes) > 1 else STAY_MINUTES
