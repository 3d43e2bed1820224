"""How soon the published test flags a cheat, and how often it flags an honest node.

Simulated: the checks' outcomes, drawn from the probabilities named in each row. Real: the
rules (`coordinator.checking.suspicion.observe`), the checks' rate (4 an hour). Seeds are fixed, so
that the figures can be repeated.
"""

import argparse
import random
import sys
from collections.abc import Callable
from statistics import mean, quantiles

from rich.console import Console
from rich.progress import track

from bench.report import Figure, NotMeasurableError, hand_in
from bench.simulations import simulated_absence, simulated_capacity, simulated_cuts
from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.checking.lottery import Lottery
from coordinator.checking.suspicion import DEGRADED_OF, NOBODY, observe
from coordinator.reasons import Reason
from emulator.unread import quiet_when_unread

CHECKS_PER_HOUR = 4
CHECKS_A_YEAR = CHECKS_PER_HOUR * 24 * 365
OUTCOMES = {
    Verdict.PASS: Reason.PASSED,
    Verdict.DEGRADED: Reason.DEGRADED,
    Verdict.FAIL: Reason.NO_STREAM,
}
LINES = (
    (0.03, 0.03, ("<= 1", "<= 1")),
    (0.03, 0.2, ("", "<= 1")),
    (0.03, 0.5, ("", "<= 1")),
    (0.05, 0.2, ("", "<= 1")),
)
"""How often connections of honest nodes fail, and their retests, with the goals for flags and
suspensions. The last is a bad line."""
Outcome = Callable[[random.Random], tuple[Verdict, Reason]]


def transient(p_fail: float, p_again: float) -> Outcome:
    """Connections fail with `p_fail`; the retest of a failed one fails with `p_again`."""

    def draw(rng: random.Random) -> tuple[Verdict, Reason]:
        if rng.random() >= p_fail:
            return Verdict.PASS, Reason.PASSED
        verdict = Verdict.FAIL if rng.random() < p_again else Verdict.DEGRADED
        return verdict, OUTCOMES[verdict]

    return draw


def always(verdict: Verdict, reason: Reason) -> Outcome:
    """Every check ends the same."""
    return lambda _: (verdict, reason)


def until(event: TrustChange, outcome: Outcome, rng: random.Random, checks_max: int) -> int | None:
    """How many checks pass until the event; None if it does not come."""
    state = NOBODY
    for at in range(checks_max):
        verdict, reason = outcome(rng)
        state, happened = observe(state, Check("n", "s", at, float(at), verdict, reason))
        if happened is event:
            return at + 1
    return None


def flags_in(outcome: Outcome, rng: random.Random, checks: int) -> tuple[int, int]:
    """(flags, suspensions) over many checks."""
    state, flags, suspended = NOBODY, 0, 0
    for at in range(checks):
        verdict, reason = outcome(rng)
        state, event = observe(state, Check("n", "s", at, float(at), verdict, reason))
        flags += event is TrustChange.FLAGGED
        suspended += event is TrustChange.SUSPENDED
        if event is TrustChange.CONFIRMED:
            raise NotMeasurableError("absence was taken for fraud")
    return flags, suspended


def detection(name: str, outcome: Outcome, trials: int, goals: tuple[float, float]) -> list[Figure]:
    """Mean and 95th percentile of the checks until a cheat is flagged."""
    rng = random.Random(7)
    found = [until(TrustChange.FLAGGED, outcome, rng, 10_000) for _ in range(trials)]
    counts = [float(n) for n in found if n is not None]
    if len(counts) != trials:
        raise NotMeasurableError(f"{name}: not flagged in 10,000 checks")
    most = quantiles(counts, n=20)[-1] if len(set(counts)) > 1 else counts[0]
    return [
        Figure(f"{name}: checks until flagged, mean", mean(counts), "checks", f"<= {goals[0]}"),
        Figure(
            f"{name}: checks until flagged, 95 %", most, "checks", f"<= {goals[1]}", "Storj: 41"
        ),
    ]


def first_checks(nodes: int) -> list[Figure]:
    """Minutes from a node's first heartbeat to the first check that is due, by the lottery.

    It is on the roster from the next sweep on, a candidate in the draw after that one."""
    lottery, rng, minutes = Lottery(b"\x07" * 32, 60, CHECKS_PER_HOUR), random.Random(13), []
    for number in range(nodes):
        node_id, came_s = f"n{number}", rng.random() * 60
        draws = (draw for draw in range(2, 10_000) if lottery.is_due(node_id, draw, int(came_s)))
        minutes.append((lottery.due_s(node_id, next(draws)) - came_s) / 60)
    return [
        Figure("from first heartbeat to first check, mean", mean(minutes), "min"),
        Figure("the same, 95 %", quantiles(minutes, n=20)[-1], "min", "<= 5"),
    ]


def honest(p_fail: float, p_again: float, goals: tuple[str, str], years: int) -> list[Figure]:
    """How often an honest node is flagged and suspended, by how its line fails."""
    rng, flags, suspensions = random.Random(11), 0, 0
    name = f"honest, {p_fail:.0%} of connections fail, {p_again:.0%} of their retests"
    for _ in track(range(years), name, console=Console(stderr=True)):
        flagged, suspended = flags_in(transient(p_fail, p_again), rng, CHECKS_A_YEAR)
        flags, suspensions = flags + flagged, suspensions + suspended
    a_flag, a_suspension, unit = 20 * flags / years, 20 * suspensions / years, "per 20 node-years"
    peer = "not published by anyone" if goals[0] else ""
    return [
        Figure(f"{name}: flags (retested, pay parked)", a_flag, unit, goals[0], peer),
        Figure(f"{name}: suspended", a_suspension, unit, goals[1]),
    ]


def main(argv: list[str]) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="make simulate-suspicion", description=__doc__)
    parser.add_argument("--trials", type=int, default=2_000)
    parser.add_argument("--node-years", type=int, default=100)
    asked = parser.parse_args(argv)
    rows = detection("serves nothing", always(Verdict.FAIL, Reason.NO_STREAM), 20, (3, 3))
    rows += detection("serves a recording", always(Verdict.FAIL, Reason.REPLAYED), 20, (3, 3))
    half = "serves half the time"
    rows += detection(f"{half}, its retest too", transient(0.51, 0.51), asked.trials, (12, 21))
    rows += detection(f"{half}, never its retest", transient(0.5, 1.0), asked.trials, (12, 21))
    refuses = always(Verdict.DEGRADED, Reason.DEGRADED)
    rows += detection("refuses first, serves the retest", refuses, 20, (12, 12))
    rows += detection("refuses one in three first", transient(1 / 3, 0), asked.trials, (40, 60))
    often = transient(9 / DEGRADED_OF, 0)
    rows += detection("degraded in nine checks of 40", often, asked.trials, (60, 120))
    for line in LINES:
        rows += honest(*line, asked.node_years)
    rows += first_checks(10_000)
    rows += simulated_absence.figures(asked.trials)
    rows += simulated_cuts.figures(max(20, asked.trials // 10))
    rows += simulated_capacity.figures()
    hand_in("simulate-suspicion", rows)
    return 0


if __name__ == "__main__":
    sys.exit(quiet_when_unread(lambda: main(sys.argv[1:])))
