"""A node's day as rows of bars: one row an epoch, one column a minute. Shapes, then colours.

A bar's height and pattern alone tell its outcome; positions are percentages, so that a row is as
wide as there is room and nothing of it is distorted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coordinator.checking.checks import Check, Verdict
from coordinator.epochs import Calendar
from coordinator.projections.minute_letters import ABSENT, LETTERS, counted, overlaid, stretches_of
from coordinator.projections.node_buckets import NodeEpoch
from coordinator.sweeping.polls import Outcome, Poll

BASE_PX = 12
"""Where bars stand, from the top of a row; checks are marked below."""
HEIGHTS_PX = {
    Outcome.UP: 10,
    Outcome.IDLE: 6,
    Outcome.UNKNOWN: 6,
    Outcome.STALLED: 4,
    Outcome.DOWN: 4,
    Outcome.INVALID: 4,
    Outcome.BLOCKED: 4,
}
MEANINGS = {
    Outcome.UP: "up",
    Outcome.IDLE: "the stream was not live",
    Outcome.UNKNOWN: "not measured, our fault",
    Outcome.STALLED: "stalled",
    Outcome.DOWN: "down",
    Outcome.INVALID: "statistics not usable",
    Outcome.BLOCKED: "address not allowed",
}
VERDICTS = {
    Verdict.PASS: "passed",
    Verdict.DEGRADED: "degraded",
    Verdict.FAIL: "failed",
    Verdict.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of minutes with one outcome; `x` and `width` in percent of the row."""

    outcome: Outcome
    x: str
    width: str
    says: str

    @property
    def height(self) -> int:
        """Pixels."""
        return HEIGHTS_PX[self.outcome]

    @property
    def y(self) -> int:
        """Pixels from the top."""
        return BASE_PX - self.height


@dataclass(frozen=True, slots=True)
class Mark:
    """A check; `x` in percent of the row."""

    verdict: Verdict
    x: str
    says: str


@dataclass(frozen=True, slots=True)
class StripRow:
    """One epoch."""

    starts_s: int
    says: str
    """The row in words."""
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    is_settled: bool = True


def strip_of(
    epochs: Sequence[NodeEpoch], poll: Poll | None, calendar: Calendar, now_s: float
) -> list[StripRow]:
    """Rows, newest first: what is not settled yet, then the settled epochs. Gaps stay empty."""
    rows = _unsettled(epochs, poll, calendar, now_s)
    before: NodeEpoch | None = None
    for each in epochs:
        if before and each.epoch < before.epoch - 1:
            rows += [_empty(e, calendar) for e in range(before.epoch - 1, each.epoch, -1)]
        rows.append(_row(each))
        before = each
    while rows and not rows[-1].bars and not rows[-1].marks:
        rows.pop()  # from before the node was there
    return rows


def outcomes_in(rows: Iterable[StripRow]) -> list[Outcome]:
    """Those that a legend has to explain."""
    found = {bar.outcome for row in rows for bar in row.bars}
    return [outcome for outcome in HEIGHTS_PX if outcome in found]


def verdicts_in(rows: Iterable[StripRow]) -> list[Verdict]:
    """Likewise."""
    found = {mark.verdict for row in rows for mark in row.marks}
    return [verdict for verdict in Verdict if verdict in found]


def _row(each: NodeEpoch) -> StripRow:
    letters = overlaid([line.minutes for line in each.lines]) if each.lines else ""
    return StripRow(
        each.starts_s,
        _sentence(letters, each.checks),
        _bars(letters, each.starts_s, each.minute_seconds),
        tuple(_mark(check, each.starts_s, each.ends_s) for check in each.checks),
    )


def _unsettled(
    epochs: Sequence[NodeEpoch], poll: Poll | None, calendar: Calendar, now_s: float
) -> list[StripRow]:
    """The present outcome since it began; what was before it is not known here yet."""
    if poll is None:
        return []
    settled = max((each.epoch for each in epochs), default=None)
    now_tick, rows = calendar.tick_at(now_s), []
    newest = calendar.epoch_at(now_s)
    oldest = newest if settled is None else min(newest, settled + 1)
    for epoch in range(newest, max(oldest, newest - 2) - 1, -1):
        ticks = calendar.ticks_of(epoch)
        first, end = max(poll.since_tick, ticks.start), min(now_tick, ticks.stop)
        length = max(0, end - first)
        letters = ABSENT * (len(ticks) - length)
        at = min(max(0, first - ticks.start), len(letters))
        letters = letters[:at] + LETTERS[poll.outcome] * length + letters[at:]
        starts_s = calendar.epoch_bounds_s(epoch)[0]
        bars = _bars(letters, starts_s, calendar.sweep_seconds)
        says = f"Not settled yet: {MEANINGS[poll.outcome]} now."
        rows.append(StripRow(starts_s, says, bars, (), is_settled=False))
    return rows


def _empty(epoch: int, calendar: Calendar) -> StripRow:
    return StripRow(calendar.epoch_bounds_s(epoch)[0], "Nothing is on record here.", (), ())


def _bars(letters: str, starts_s: int, minute_seconds: int) -> tuple[Bar, ...]:
    bars = []
    for stretch in stretches_of(letters):
        if stretch.outcome is None:
            continue
        x, width = 100 * stretch.start / len(letters), 100 * stretch.length / len(letters)
        minutes = f"{stretch.length} min" if minute_seconds == 60 else f"{stretch.length} polls"
        says = f"{minutes} {MEANINGS[stretch.outcome]}"
        bars.append(Bar(stretch.outcome, f"{x:.3f}%", f"{width:.3f}%", says))
    return tuple(bars)


def _mark(check: Check, starts_s: int, ends_s: int) -> Mark:
    x = 100 * (check.due_s - starts_s) / (ends_s - starts_s)
    return Mark(check.verdict, f"{x:.3f}%", f"Check {VERDICTS[check.verdict]}: {check.reason.says}")


def _sentence(letters: str, checks: Sequence[Check]) -> str:
    minutes = [f"{count} {MEANINGS[outcome]}" for outcome, count in counted(letters).items()]
    verdicts = [check.verdict for check in checks]
    told = [f"{n} {VERDICTS[v]}" for v in Verdict if (n := verdicts.count(v))]
    says = "Minutes: " + ", ".join(minutes) if minutes else "No minute was due"
    return f"{says}. Checks: {', '.join(told) if told else 'none'}."
