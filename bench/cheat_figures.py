"""What trials came to: the table of `make cheats`, and its goals."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean

from bench.bounds import share_bounds
from bench.cheat_kinds import CONTENT, FLAGGED_WITHIN, NOTHING, PART_TIME
from bench.kinds.reader_differences import differences, opinions_of
from bench.report import Figure
from bench.trials import Tally
from coordinator.checking.checks import Check, Verdict

GOOD = (Verdict.PASS, Verdict.DEGRADED)
PROVEN_MIN = 0.9
"""Of the checks of a kind that can be proven, so many say something."""


def longest(tallies: Iterable[Tally], name: str) -> float:
    """The largest of a number of seconds over all connections."""
    attempts = [a for tally in tallies for check in tally.checks for a in check.attempts]
    return max((float(a[name] or 0.0) for a in attempts), default=0.0)


def figures_of(tallies: Mapping[str, Tally]) -> list[Figure]:
    """The goals of the verb."""
    honest = [t for t in tallies.values() if t.subject.is_honest and t.checks]
    rows = _honest_rows(honest) if honest else []
    for tally in tallies.values():
        rows += _cheat_rows(tally)
    for kind, most in FLAGGED_WITHIN.items():
        if lanes := [t for t in tallies.values() if t.subject.kind == kind]:
            rows.append(_lanes_row(kind, most, lanes))
    return rows


def is_provable(tally: Tally) -> bool:
    """Whether checks of the kind say something, and say that it serves."""
    passed = tally.count(*GOOD)
    return passed > 0 and tally.counted >= PROVEN_MIN * len(tally.checks)


def _honest_rows(honest: Sequence[Tally]) -> list[Figure]:
    made = sum(len(t.checks) for t in honest)
    failed, counted = sum(t.count(Verdict.FAIL) for t in honest), sum(t.counted for t in honest)
    bound = share_bounds(failed, counted)[1]
    unknown = 100 * sum(t.count(Verdict.UNKNOWN) for t in honest) / made
    differing = differences(honest)
    unexplained = sum(not why for why in differing.values())
    read = sum(bool(opinions_of(t)) for t in honest)
    return [
        Figure("honest kinds of publisher and node", len(honest), "kinds", ">= 40"),
        Figure("honest checks", made, "checks", ">= 2000"),
        Figure("honest checks failed", failed, f"true share <= {bound:.2%} (95 %)", "<= 0"),
        Figure("honest checks unknown", unknown, "%", "<= 1"),
        Figure("kinds provable", sum(map(is_provable, honest)), "kinds", f">= {len(honest)}"),
        Figure("honest checks degraded", sum(t.count(Verdict.DEGRADED) for t in honest), "checks"),
        Figure("honest: longest delay", longest(honest, "delay_s"), "s"),
        Figure("honest: longest lag", longest(honest, "lag_s"), "s"),
        Figure("honest nodes flagged", sum(len(t.until_flagged) for t in honest), "times", "<= 0"),
        Figure("kinds that both readers read", read, "kinds"),
        Figure("of these with one verdict", read - len(differing), "kinds"),
        Figure("verdicts that differ without a written reason", unexplained, "kinds", "<= 0"),
    ]


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
    if kind in PART_TIME and tally.until_flagged:
        until = mean(tally.until_flagged)
        rows += [Figure(f"{kind}: checks until flagged, mean", until, "checks", "<= 12")]
    return rows


def _lanes_row(kind: str, most: int, lanes: Sequence[Tally]) -> Figure:
    """Checks for each flag. Who was not flagged was checked all the same."""
    checks, flagged = (sum(t.counted for t in lanes), sum(len(t.until_flagged) for t in lanes))
    unit = f"checks for one of {flagged} flags, {len(lanes)} nodes"
    return Figure(f"{kind}: checks until flagged", checks / max(1, flagged), unit, f"<= {most}")


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
    for name, why in differences(t for t in tallies if t.subject.is_honest).items():
        print(f"the second reader differs on {name}: {why or 'NO REASON IS WRITTEN'}")
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    for line in lines:
        print("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())


def reason_of(check: Check) -> str:
    """A check's reason; of a degraded one also why its first connections failed."""
    if check.verdict is not Verdict.DEGRADED:
        return check.reason.value
    failed = [str(a["reason"]) for a in check.attempts if a["verdict"] == "fail"]
    return f"degraded after {', '.join(failed)}"
