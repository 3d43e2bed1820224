"""What cheats earn per minute that they really serve, relative to honest service.

Real lottery, real suspicion, real settling; only the connections are simulated: one to a node
that serves fails with 3 %, as the suspicion test assumes. Every strategy runs for 1,000
node-days of one-minute sweeps. `make simulate-payout` prints the table.
"""

import argparse
import gc
import random
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from bench.report import Figure, hand_in
from bench.simulations.adversary.hunts import pool
from bench.simulations.adversary.stays import stay_figures
from bench.simulations.strategies import STRATEGIES, Machine, Strategy
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.delistings import first_failure_s
from coordinator.checking.lottery import Lottery, day_secret
from coordinator.checking.suspicion import NOBODY, Trust, TrustState
from coordinator.checking.trust_book import TrustBook
from coordinator.ledger.forfeits import confirmed_in, forfeits_of, losses_of
from coordinator.ledger.settlements import EpochInput, settle
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.rosters import Slot
from emulator.unread import quiet_when_unread
from prober.draws import Due, due_in

DAYS = 10
OPERATORS = 100
GUESTS = 200
"""Who come for two hours; a search's network has them (`adversary/stays.py`)."""
CHECKS_PER_HOUR = 4
EPOCH = 60
"""Minutes of an epoch."""
RATE_MICROS = 6_000_000
BALANCE_MICROS = 10**15
SEED = 7
GOAL, HONEST_GOAL = "<= 1", "0.995 to 1.005"
"""No cheat gains. Who honestly takes breaks gets the same: chance has half of them above the
reference by some of the error. The window stays; it does not grow with an error."""
FAILS_ONCE, FAILS_TWICE = 0.03, 0.0009
"""Of connections to a node that serves; of those and their retests."""


@dataclass
class Identity:
    """A node as the coordinator knows it."""

    node_id: str
    address: str
    joined: int
    """In which minute."""
    trust: TrustState = NOBODY
    due: dict[int, int] = field(default_factory=dict)
    """By epoch, bit by minute."""
    up: dict[int, int] = field(default_factory=dict)
    checks: dict[int, list[Check]] = field(default_factory=dict)


def lotteries() -> list[Lottery]:
    """A day's secret each."""
    first = date(2026, 11, 22)
    key = "the key of a simulation, and of nothing else"
    return [
        Lottery(day_secret(key, first + timedelta(days=day)), 60, CHECKS_PER_HOUR)
        for day in range(DAYS)
    ]


def simulate(strategy: Strategy, operators: int = OPERATORS) -> tuple[list[int], list[int]]:
    """(micros, minutes really served) of each operator."""
    drawn = lotteries()
    machines, served = [], []
    for operator in range(max(1, operators // strategy.identities)):
        identities, minutes = _lived(strategy, operator, drawn)
        machines.append(identities)
        served.append(minutes)
    micros = _settled([identity for identities in machines for identity in identities])
    earned = [sum(micros.get(one.node_id, 0) for one in identities) for identities in machines]
    return earned, served


def _lived(strategy: Strategy, operator: int, drawn: list[Lottery]) -> tuple[list[Identity], int]:
    """One machine's days: its identities with their evidence, and its minutes served."""
    rolls = random.Random(f"{SEED}|{strategy.name}|{operator}")
    machine = Machine(rolls, rolls.randrange(1440))
    present = [_identity(strategy, operator, n, 0) for n in range(strategy.identities)]
    everyone, served = list(present), 0
    for t in range(DAYS * 1440):
        serving = strategy.serves(machine, t)
        served += serving
        for place, node in enumerate(present):
            claims = strategy.lies or serving
            epoch, bit = t // EPOCH, 1 << t % EPOCH
            node.due[epoch] = node.due.get(epoch, 0) | bit
            if not claims:
                continue
            node.up[epoch] = node.up.get(epoch, 0) | bit
            due = _due(node, present, t, drawn[t // 1440])
            if due is None:
                continue
            failed = _checked(node, due, t, serving, rolls)
            machine.checked_at, machine.passed = t, not failed
            if strategy.rejoins(node.trust, failed):
                present[place] = _identity(strategy, operator, len(everyone), t + 1)
                everyone.append(present[place])
    return everyone, served


def _identity(strategy: Strategy, operator: int, number: int, joined: int) -> Identity:
    host = 1 if strategy.one_address else number % 250 + 1
    address = f"51.{operator // 250}.{operator % 250}.{host}"
    return Identity(f"n{operator}-{number}", address, joined)


def _due(node: Identity, present: list[Identity], t: int, lottery: Lottery) -> Due | None:
    """The check that is due of it in this minute, as the prober lists them: it sees who else is
    behind the address."""
    state, first_s = node.trust, node.joined * 60
    waits = state.trust is Trust.FLAGGED or first_failure_s(state) is not None
    if not waits and not lottery.is_due(node.node_id, t, first_s):
        return None  # nearly always: what follows costs more
    slots = [
        Slot(one.node_id, "s3", "http://h/", one.address, 1935, one.joined, 0.0) for one in present
    ]
    book = TrustBook({one.node_id: one.trust for one in present})
    listed = due_in(t, slots, book, lottery, 60)
    return next((due for due in listed if due.slot.node_id == node.node_id), None)


def _checked(node: Identity, due: Due, draw: int, serving: bool, rolls: random.Random) -> bool:
    """Makes the check; whether it failed."""
    roll = rolls.random()
    verdict, reason = Verdict.FAIL, Reason.NO_STREAM
    if serving and roll >= FAILS_TWICE:
        verdict, reason = Verdict.PASS, Reason.PASSED
        if roll < FAILS_ONCE:
            verdict, reason = Verdict.DEGRADED, Reason.DEGRADED
    check = Check(
        node.node_id, "s3", draw, due.due_s, verdict, reason,
        caused_by_s=due.caused_by_s,
        attempts=({"address": node.address},),
        length=due.length,
        is_watched=due.is_watched,
    )  # fmt: skip
    book, made = TrustBook({node.node_id: node.trust}).observing([check])
    node.trust = book.of(node.node_id)
    node.checks.setdefault(draw // EPOCH, []).extend(made)
    return verdict is Verdict.FAIL


def _settled(nodes: list[Identity]) -> dict[str, int]:
    """Every epoch settled by the real rules: micros by node, what was forfeited taken off."""
    terms = Terms(RATE_MICROS, 10**6, 60)
    held: deque[Statement] = deque(maxlen=terms.holding_epochs)
    micros: dict[str, int] = {}
    for statement in _statements(nodes, terms, held):
        for row in statement.rows:
            net = row.earned_micros - row.forfeited_micros
            micros[row.node_id] = micros.get(row.node_id, 0) + net
        held.append(statement)
    return micros


def _statements(nodes: list[Identity], terms: Terms, held: deque[Statement]) -> Iterator[Statement]:
    before: Statement | None = None
    for epoch in range(DAYS * 1440 // EPOCH + 2):
        checks = [check for node in nodes for check in node.checks.get(epoch, ())]
        frauds = confirmed_in(checks)
        evidence = EpochInput(
            "s3",
            epoch,
            epoch * EPOCH * 60,
            (epoch + 1) * EPOCH * 60,
            terms,
            {
                node.node_id: Minutes(node.due[epoch], node.up.get(epoch, 0))
                for node in nodes
                if epoch in node.due
            },
            checks,
            before.carried() if before else {},
            frauds,
            forfeits_of(losses_of(checks, epoch * EPOCH * 60), held, epoch),
        )
        before = settle(evidence, BALANCE_MICROS)
        yield before


def per_minute(earned: list[int], served: list[int]) -> tuple[float, float]:
    """(micros per served minute, its standard error)."""
    minutes = sum(served)
    if not minutes:
        return (float("inf") if sum(earned) else 0.0), 0.0
    ratio = sum(earned) / minutes
    spread = sum((e - ratio * s) ** 2 for e, s in zip(earned, served, strict=True))
    return ratio, spread**0.5 / minutes


def relative(figure: tuple[float, float], honest: tuple[float, float]) -> tuple[float, float]:
    """(figure over the honest one, its standard error: both figures are measured)."""
    (micros, error), (reference, reference_error) = figure, honest
    ratio = micros / reference
    return ratio, ((error / reference) ** 2 + (ratio * reference_error / reference) ** 2) ** 0.5


def main() -> None:
    """Prints the table and writes build/simulate-payout.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="strategies whose name contains this")
    only = parser.parse_args().only
    wanted = [0, *(at for at, one in enumerate(STRATEGIES) if at and only in one.name)]
    with pool() as executor:  # as many side by side as there are processors
        lives = executor.map(_simulated, wanted)
        honest = per_minute(*next(lives))
        paid = honest[0] / (RATE_MICROS / 60)
        figures = [Figure("honest: paid of served minutes", 100 * paid, "%", ">= 99.5")]
        figures += [] if only else stay_figures(GUESTS, DAYS)
        for at, found in zip(wanted[1:], lives, strict=True):
            strategy = STRATEGIES[at]
            value, error = relative(per_minute(*found), honest)
            goal = HONEST_GOAL if strategy.is_honest else GOAL
            name = f"{strategy.name} (±{error:.4f})"
            figures.append(Figure(name, value, "x honest per served minute", goal))
            print(f"{value:7.4f} ±{error:.4f}  {strategy.name}", flush=True)
    hand_in("simulate-payout", figures)


def _simulated(at: int) -> tuple[list[int], list[int]]:
    """Of a strategy, by its place: functions go to no other process."""
    found = simulate(STRATEGIES[at])
    gc.collect()
    return found


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
