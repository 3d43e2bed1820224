"""What trials came to: the table of `make cheats`, and its goals."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean

from bench.bounds import share_bounds
from bench.cheat_kinds import CONTENT, FLAGGED_WITHIN, NOTHING, PART_TIME
from bench.report import Figure
from bench.trials import Tally
from coordinator.checking.checks import Check, Verdict
from coordinator.proof.judging import ProofParameters

GOOD = (Verdict.PASS, Verdict.DEGRADED)
SHORT_S = 9.0
"""Captures below this are of the usual length."""


@dataclass(frozen=True, slots=True)
class Sustained:
    """The last part: one core, checks at an even rate."""

    checks: list[Check]
    seconds: float
    cpu_s: float
    """Of the prober and its captures."""


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was measured."""

    tallies: dict[str, Tally]
    sustained: Sustained | None


def sum_of(checks: Iterable[Check], name: str) -> list[float]:
    """A number of all connections of each check together."""
    return [sum(float(attempt[name]) for attempt in check.attempts) for check in checks]


def longest(tallies: Iterable[Tally], name: str) -> float:
    """The largest of a number of seconds over all connections."""
    attempts = [a for tally in tallies for check in tally.checks for a in check.attempts]
    return max((float(a[name] or 0.0) for a in attempts), default=0.0)


def figures_of(found: Found) -> list[Figure]:
    """The goals of the verb."""
    tallies = found.tallies
    honest = [t for t in tallies.values() if t.subject.is_honest]
    failed, counted = sum(t.count(Verdict.FAIL) for t in honest), sum(t.counted for t in honest)
    bound = share_bounds(failed, counted)[1]
    rows = [
        Figure("honest checks", counted, "checks", ">= 500"),
        Figure("honest checks failed", failed, f"true share <= {bound:.2%} (95 %)", "<= 0"),
        Figure("honest checks degraded", sum(t.count(Verdict.DEGRADED) for t in honest), "checks"),
        Figure("honest: longest delay", longest(honest, "delay_s"), "s"),
        Figure("honest: longest lag", longest(honest, "lag_s"), "s"),
        Figure("honest nodes flagged", sum(len(t.until_flagged) for t in honest), "times", "<= 0"),
    ]
    for tally in tallies.values():
        rows += _cheat_rows(tally)
    return [*rows, *_cost_rows(honest), *_rate_rows(found.sustained)]


def _cheat_rows(tally: Tally) -> list[Figure]:
    kind, rows = tally.subject.kind, []
    if kind in CONTENT | NOTHING:
        passed = tally.count(*GOOD)
        bound = share_bounds(passed, tally.counted)[1]
        unit = f"of {tally.counted}, true share <= {bound:.1%} (95 %)"
        rows = [Figure(f"{kind}: passed", passed, unit, "<= 0")]
    if kind in CONTENT | NOTHING and tally.until_flagged:
        most = max(tally.until_flagged)
        peer = "Storj: 41" if kind in NOTHING else ""
        rows += [Figure(f"{kind}: checks until flagged, most", most, "checks", "<= 3", peer)]
    if kind in FLAGGED_WITHIN:
        until = tally.checks_until_flagged
        rows = [
            Figure(
                f"{kind}: checks until flagged, mean", until, "checks", f"<= {FLAGGED_WITHIN[kind]}"
            )
        ]
    if kind in PART_TIME and tally.until_flagged:
        until = mean(tally.until_flagged)
        rows += [Figure(f"{kind}: checks until flagged, mean", until, "checks", "<= 12")]
    return rows


def _cost_rows(honest: Sequence[Tally]) -> list[Figure]:
    checks = [c for tally in honest for c in tally.checks if len(c.attempts) == 1]
    short = [c for c in checks if c.attempts[0]["seconds"] < SHORT_S]
    rows = []
    for name, some in (
        ("usual check", short),
        ("long check", [c for c in checks if c not in short]),
    ):
        if some:
            goals = ("<= 0.15", "<= 300", "<= 6") if name == "usual check" else ("", "", "")
            wall = [s + ProofParameters().grace_s for s in sum_of(some, "seconds")]
            rows += [
                Figure(f"{name}: CPU", mean(sum_of(some, "cpu_s")), "s", goals[0]),
                Figure(f"{name}: payload", mean(sum_of(some, "bytes")) / 1000, "kB", goals[1]),
                Figure(f"{name}: wall clock", mean(wall), "s", goals[2]),
            ]
    return rows


def _rate_rows(last: Sustained | None) -> list[Figure]:
    if last is None:
        return []
    failed = sum(check.verdict is not Verdict.PASS for check in last.checks)
    begun_s = len(last.checks) / max(1.0, last.seconds - last.checks[-1].attempts[0]["seconds"])
    return [
        Figure("checks a second, sustained on one core", begun_s, "1/s", ">= 2"),
        Figure("of these not passed", failed, f"of {len(last.checks)}", "<= 0"),
        Figure("CPU of a check in this, prober included", last.cpu_s / len(last.checks), "s"),
    ]


def table(tallies: Iterable[Tally]) -> None:
    """Prints every subject's row."""
    head = ("node", "trials", "pass", "degraded", "fail", "unknown", "true pass share, 95 %")
    lines: list[tuple[str, ...]] = [(*head, "flagged after", "stats said up", "reasons")]
    for tally in tallies:
        low, high = share_bounds(tally.count(*GOOD), tally.counted)
        until = tally.until_flagged
        flagged = f"{mean(until):.1f}, most {max(until)}" if until else "-"
        reasons = Counter(map(reason_of, tally.checks)) or tally.polls
        lines.append(
            (
                tally.subject.name,
                str(len(tally.checks)),
                *(str(tally.count(verdict)) for verdict in Verdict),
                f"{low:.1%} to {high:.1%}" if tally.counted else "-",
                flagged,
                f"{tally.polled_up} of {tally.polls.total()}" if tally.polls else "-",
                ", ".join(f"{n} {reason}" for reason, n in reasons.most_common(4)),
            )
        )
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    for line in lines:
        print("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())


def reason_of(check: Check) -> str:
    """A check's reason; of a degraded one also why its first connections failed."""
    if check.verdict is not Verdict.DEGRADED:
        return check.reason.value
    failed = [str(a["reason"]) for a in check.attempts if a["verdict"] == "fail"]
    return f"degraded after {', '.join(failed)}"
