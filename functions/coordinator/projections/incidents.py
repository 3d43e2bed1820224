"""What went wrong in the network, for its feed: the document `projections/incidents`, by payout.

Our own faults first of all (nobody is charged for them, everybody may know of them), then what the
checks proved of nodes, and what became of streams. Every incident has a key that stays the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from coordinator.checking.checks import Check, TrustChange
from coordinator.documents.codec import Codec
from coordinator.documents.columns import Table
from coordinator.ledger.epoch_records import EpochRecord, draws_of
from coordinator.ledger.statements import Statement
from coordinator.projections.minute_letters import ABSENT, LETTERS
from coordinator.projections.node_buckets import BucketEpoch
from coordinator.reasons import Reason
from coordinator.streams import Stream
from coordinator.sweeping.polls import Outcome

INCIDENTS_KEPT = 100
NODES_AN_EPOCH_MAX = 25
"""Of nodes that were found out; the rest of a mass of them are in their own feeds."""
UNMEASURED_PERCENT_MIN = 10
"""So many of the nodes that were due make a minute that was not measured an incident."""
APART_MAX = 2
"""Minutes or draws at most so far apart belong to one incident."""
_NOT_OURS = (Reason.UNKNOWN_ADDRESS,)
"""A node can cause it alone, by its own name server."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One entry of the feed."""

    key: str
    """Names it for ever, for example `fraud/n7…/1795305637`."""
    at_s: float
    title: str
    says: str
    path: str
    """The page that tells more."""


@dataclass(frozen=True, slots=True)
class Incidents:
    """The last ones, newest first."""

    through_epoch: int | None = None
    known: Annotated[tuple[Incident, ...], Table()] = ()

    def adding(self, epoch: int, more: Iterable[Incident]) -> "Incidents":
        """With those of an epoch; adding them again changes nothing."""
        found = {each.key: each for each in (*self.known, *more)}
        newest_first = sorted(found.values(), key=lambda each: (-each.at_s, each.key))
        through = epoch if self.through_epoch is None else max(epoch, self.through_epoch)
        return Incidents(through, tuple(newest_first[:INCIDENTS_KEPT]))


INCIDENTS = Codec(Incidents, "projections/incidents")


def incidents_of(
    record: EpochRecord,
    bucket_epochs: Iterable[BucketEpoch],
    settled: Iterable[tuple[Stream, Statement]],
) -> list[Incident]:
    """What went wrong in an epoch."""
    letters = [
        line.minutes
        for each in bucket_epochs
        for found in each.lines.values()
        for line in found.values()
    ]
    return [
        *_unmeasured(record, letters),
        *_unchecked(record, letters),
        *_unknown_checks(record),
        *_nodes_found_out(record),
        *(found for stream, statement in settled for found in _of_stream(stream, statement)),
    ]


def of_check(check: Check) -> Incident | None:
    """The incident that a check makes, if it made one."""
    reasons = {TrustChange.CONFIRMED: Reason.FRAUD, TrustChange.SUSPENDED: Reason.SUSPENDED}
    reason = reasons.get(check.event) if check.event else None
    return node_found_out(check.node_id, reason, check.due_s) if reason else None


def node_found_out(node_id: str, reason: Reason, due_s: float) -> Incident:
    """A node was suspended, or confirmed as a fraud, by the check that was due then."""
    title = "A fraud was confirmed" if reason is Reason.FRAUD else "A node was suspended"
    key = f"{reason.value}/{node_id}/{int(due_s)}"
    return Incident(key, due_s, f"{title}: {node_id}", reason.says, f"/n/{node_id}")


def _unmeasured(record: EpochRecord, letters: Sequence[str]) -> list[Incident]:
    seconds = record.calendar.sweep_seconds
    ticks = record.calendar.ticks_of(record.epoch)
    unknown: dict[int, int] = {}
    for tick, column in zip(ticks, zip(*letters, strict=True), strict=False):
        due, count = len(column) - column.count(ABSENT), column.count(LETTERS[Outcome.UNKNOWN])
        if count and 100 * count >= UNMEASURED_PERCENT_MIN * due:
            unknown[tick] = count
    return [
        Incident(
            f"not-measured/{run[0] * seconds}",
            float(run[0] * seconds),
            "Nodes were not measured",
            f"{_count(len(run), 'minute')} of "
            f"up to {_count(max(unknown[tick] for tick in run), 'node')}. "
            "They count like the minute before them.",
            "/about",
        )
        for run in _together(unknown)
    ]


def _unchecked(record: EpochRecord, letters: Sequence[str]) -> list[Incident]:
    """Draws that nobody ran or made up for, while a node was up."""
    calendar = record.calendar
    columns = list(zip(*letters, strict=True))
    first = calendar.ticks_of(record.epoch).start
    ran = {run.draw for run in record.runs}
    missing = []
    for draw in draws_of(record.epoch, calendar):
        at = calendar.tick_at(draw * calendar.check_seconds) - first
        up = 0 <= at < len(columns) and LETTERS[Outcome.UP] in columns[at]
        if draw not in ran and up:
            missing.append(draw)
    return [
        Incident(
            f"not-checked/{run[0] * calendar.check_seconds}",
            float(run[0] * calendar.check_seconds),
            "No checks were made",
            f"{_count(len(run), 'draw')} were not run. Minutes up wait for the next check.",
            "/about",
        )
        for run in _together(missing)
    ]


def _unknown_checks(record: EpochRecord) -> list[Incident]:
    by_reason: dict[Reason, dict[int, int]] = {}
    for run in record.runs:
        for check in run.checks:
            if check.reason.is_ours and check.reason not in _NOT_OURS:
                draws = by_reason.setdefault(check.reason, {})
                draws[check.draw] = draws.get(check.draw, 0) + 1
    seconds = record.calendar.check_seconds
    return [
        Incident(
            f"{reason.value.replace(':', '-')}/{run[0] * seconds}",
            float(run[0] * seconds),
            f"Checks say nothing: {reason.value}",
            f"{_count(sum(draws[draw] for draw in run), 'check')}. {reason.says} They cost nobody.",
            "/about",
        )
        for reason, draws in sorted(by_reason.items())
        for run in _together(draws)
    ]


def _nodes_found_out(record: EpochRecord) -> list[Incident]:
    found = [incident for check in record.checks() if (incident := of_check(check))]
    return sorted(found, key=lambda each: -each.at_s)[:NODES_AN_EPOCH_MAX]


def _of_stream(stream: Stream, statement: Statement) -> list[Incident]:
    name, path = stream.stream_id, f"/s/{stream.stream_id}"
    if stream.ends_s is not None and statement.starts_s < stream.ends_s <= statement.ends_s:
        says = "It ended, and what was left of its balance went back to the sponsor."
        return [Incident(f"ended/{name}", stream.ends_s, f"{stream.name} ended", says, path)]
    if statement.balance_before_micros > 0 == statement.balance_after_micros:
        key = f"used-up/{name}/{statement.epoch}"
        title = f"{stream.name}: the balance is used up"
        says = "Nothing more is earned there until the sponsor tops it up."
        return [Incident(key, float(statement.ends_s), title, says, path)]
    return []


def _together(numbers: Iterable[int]) -> list[list[int]]:
    """Ascending numbers in groups, each at most APART_MAX behind the one before."""
    groups: list[list[int]] = []
    for number in sorted(numbers):
        if groups and number - groups[-1][-1] <= APART_MAX:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
