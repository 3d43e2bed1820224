"""What honest nodes get: the first paid minute, a stay of two hours, ten days, one router."""

from dataclasses import dataclass
from statistics import fmean, quantiles

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
FAMILIES, OF_A_FAMILY, FAMILY_DAYS = 12, 3, 2
GUEST = Policy((Rule((Condition(Sight.KEY_AGE, STAY_MINUTES),), Deed.SERVE),), Deed.LEAVE)
"""It comes for two hours, once."""
REGULAR = Policy(
    (Rule((Condition(Sight.CYCLE, STAY_MINUTES),), Deed.SERVE),), Deed.LEAVE, period=1440
)
"""It comes every day for two hours, with the same key."""
RESTARTING = Policy((Rule((Condition(Sight.CYCLE, 3),), Deed.LEAVE),), Deed.SERVE, period=360)
"""It is away for three minutes every six hours."""


@dataclass(frozen=True, slots=True)
class Honest:
    """Shares of served minutes that were paid."""

    guest: float
    regular: float
    always: float
    family: float
    """Of the minutes in which one of its nodes at least was up."""
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
    return Honest(guest, shares[0], shares[1], family_share(), first)


def family_share() -> float:
    """Of some families, each of a few nodes behind one router, which restart now and then."""
    families = [
        [_of_a_family(number, member) for member in range(OF_A_FAMILY)]
        for number in range(FAMILIES)
    ]
    bank = Bank(START, [stream_of(family[0].streams[0]) for family in families])
    network = Network([one for family in families for one in family], bank, 11)
    minutes, up = 1440 * FAMILY_DAYS, [0] * FAMILIES
    for _ in range(minutes):
        network.runs(1)
        for number, family in enumerate(families):
            up[number] += any(one.keys[0].serving is not None for one in family)
    bank.settles_until(minutes + TAIL_MINUTES, network.roster)
    paid = [sum(bank.minutes_of(one.keys[0].node_id) for one in family) for family in families]
    return fmean(each / served for each, served in zip(paid, up, strict=True))


def _of_a_family(number: int, member: int) -> SimulatedMachine:
    at = number * OF_A_FAMILY + member
    address, stream = f"51.{number}.7.1", (f"f{number}",)
    return SimulatedMachine(f"f{number}.{member}", at, RESTARTING, stream, network=address)


def stay_figures(nodes: int, days: int) -> list[Figure]:
    """What `honest_lives` come to, beside the goals."""
    honest = honest_lives(nodes, days)
    first = quantiles(honest.first_paid_min, n=20)[-1]
    return [
        Figure("docker run to the first paid minute, 95 %", first, "min", "<= 45"),
        Figure("paid of a first stay of two hours", 100 * honest.guest, "%", ">= 75"),
        Figure("paid of two hours every day", 100 * honest.regular, "%", ">= 75"),
        Figure(
            "three nodes of one router, each away for 3 min every 6 h: paid",
            100 * honest.family,
            "%",
            ">= 95",
        ),
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
