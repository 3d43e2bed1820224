"""One settled epoch of every node, by bucket, out of what it was settled from."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from coordinator.checking.checks import Check
from coordinator.ledger.epoch_records import EpochRecord
from coordinator.ledger.rows import Row
from coordinator.ledger.statements import Statement
from coordinator.projections.minute_letters import letters_of
from coordinator.projections.node_buckets import BucketEpoch, NodeLine, bucket_of
from coordinator.streams import Stream
from coordinator.sweeping.goodbyes import said_goodbye
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import Shard

Rosters = Mapping[tuple[Shard, int], Roster]


def bucket_epochs_of(
    record: EpochRecord,
    rosters: Rosters,
    settled: Iterable[tuple[Stream, Statement]],
) -> dict[int, BucketEpoch]:
    """By bucket: lines of the streams given, every check of every stream."""
    lines: dict[int, dict[str, dict[str, NodeLine]]] = defaultdict(lambda: defaultdict(dict))
    checks: dict[int, list[Check]] = defaultdict(list)
    offline: dict[int, dict[str, tuple[float, ...]]] = defaultdict(dict)
    for stream, statement in settled:
        for node_id, line in _lines(record, rosters, stream, statement):
            lines[bucket_of(node_id)][node_id][stream.stream_id] = line
    starts_s, ends_s = record.calendar.epoch_bounds_s(record.epoch)
    for run in record.runs:
        for check in run.checks:
            if starts_s <= check.due_s < ends_s:
                checks[bucket_of(check.node_id)].append(check)
    for node_id, times_s in _offline(record, rosters).items():
        offline[bucket_of(node_id)][node_id] = tuple(times_s)
    return {
        bucket: BucketEpoch(
            record.epoch,
            starts_s,
            ends_s,
            record.calendar.sweep_seconds,
            lines.get(bucket, {}),
            tuple(checks.get(bucket, ())),
            offline.get(bucket, {}),
        )
        for bucket in {*lines, *checks, *offline}
    }


def _lines(
    record: EpochRecord, rosters: Rosters, stream: Stream, statement: Statement
) -> Iterable[tuple[str, NodeLine]]:
    count = len(record.calendar.ticks_of(record.epoch))
    minutes = record.minutes(stream, rosters)
    terms = statement.terms
    for row in statement.rows:
        if _is_telling(row):
            letters = letters_of(minutes.get(row.node_id, Minutes()), count)
            rate, holding = terms.rate_micros_per_hour, terms.holding_epochs
            yield row.node_id, NodeLine(stream.stream_id, rate, holding, letters, row)


def _is_telling(row: Row) -> bool:
    """A node that left long ago is remembered in statements, with nothing to show."""
    return bool(row.minutes_due or row.minutes_paid or row.unpaid or row.forfeited_micros)


def _offline(record: EpochRecord, rosters: Rosters) -> dict[str, list[float]]:
    ticks = record.calendar.ticks_of(record.epoch)
    found: dict[str, list[float]] = defaultdict(list)
    for roster in rosters.values():
        for slot in roster.slots:
            left = slot.left_tick
            if left is None or said_goodbye(slot) or left not in ticks:
                continue
            if roster.is_in_force_at(left):
                found[slot.node_id].append(float(left * record.calendar.sweep_seconds))
    return found
