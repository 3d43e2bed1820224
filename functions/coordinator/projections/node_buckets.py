"""What the page of a node is made of: the documents `projections/nodes-{bucket}`, by payout.

A bucket holds many nodes, so that a settled epoch costs few writes, and the last epochs of each,
so that a page costs one read. It shows statements and checks and is never evidence: it can
be written again at any time, says through which epoch it is, and what does not fit is left out.
One module: what is written and what is read of it change together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Annotated, Any

from coordinator.checking.checks import Check
from coordinator.documents.codec import Codec, Stored
from coordinator.documents.columns import Table
from coordinator.keys import shard_of
from coordinator.ledger.rows import Row
from coordinator.projections.money_projection import MONEY_PROJECTIONS, MoneyProjection

BUCKETS = 40
"""At 10,000 nodes 250 in each, which four checks an hour just fit in; 0.1 writes a node-day."""
EPOCHS_KEPT = 24
BYTES_MAX = 1_000_000
"""Of all packed fields; a document's limit is 1,048,576 with its names."""


@dataclass(frozen=True, slots=True)
class NodeLine:
    """One node in one stream's epoch."""

    stream_id: str
    rate_micros_per_hour: int
    holding_epochs: int
    minutes: str
    """A letter for each, see `coordinator.projections.minute_letters`."""
    row: Row


@dataclass(frozen=True, slots=True)
class NodeEpoch:
    """One settled epoch of one node."""

    epoch: int
    starts_s: int
    ends_s: int
    minute_seconds: int
    lines: tuple[NodeLine, ...]
    """By stream id."""
    checks: tuple[Check, ...]
    """By draw."""
    offline_s: tuple[float, ...]
    """When it was given up as offline."""
    has_all_checks: bool = True
    """False once they had to make room; they stand in the record of runs."""


@dataclass(frozen=True, slots=True)
class BucketEpoch:
    """One settled epoch of a bucket's nodes."""

    epoch: int
    starts_s: int
    ends_s: int
    minute_seconds: int
    lines: Mapping[str, Mapping[str, NodeLine]] = field(default_factory=dict)
    """By node id and stream id."""
    checks: tuple[Check, ...] = ()
    offline_s: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """By node id."""
    has_all_checks: bool = True

    def merged(self, other: "BucketEpoch") -> "BucketEpoch":
        """Both; streams may be settled in several calls. Merging again changes nothing."""
        lines = {name: dict(mine) for name, mine in self.lines.items()}
        for node_id, theirs in other.lines.items():
            lines.setdefault(node_id, {}).update(theirs)
        checks = {(check.node_id, check.draw): check for check in (*self.checks, *other.checks)}
        return replace(
            self,
            lines=lines,
            checks=tuple(checks[key] for key in sorted(checks)),
            offline_s={**self.offline_s, **other.offline_s},
            has_all_checks=self.has_all_checks and other.has_all_checks,
        )


def bucket_of(node_id: str) -> int:
    """Which document a node is in."""
    return shard_of(node_id, BUCKETS)


@dataclass(frozen=True, slots=True)
class Offline:
    """When a node was given up as offline."""

    node_id: str
    at_s: float


@dataclass(frozen=True, slots=True)
class PackedEpoch:
    """A `BucketEpoch` as it is stored: its tables apart, so that old checks can be left out."""

    starts_s: int
    ends_s: int
    minute_seconds: int
    lines: Annotated[tuple[NodeLine, ...], Table()]
    offline: Annotated[tuple[Offline, ...], Table()]
    checks: Annotated[tuple[Check, ...] | None, Table()]
    """None once they had to make room."""

    @classmethod
    def of(cls, bucket_epoch: BucketEpoch) -> "PackedEpoch":
        """It, in the order of nodes, and of streams or draws."""
        lines = [
            line
            for _, mine in sorted(bucket_epoch.lines.items())
            for _, line in sorted(mine.items())
        ]
        offline = sorted(bucket_epoch.offline_s.items())
        ordered = sorted(bucket_epoch.checks, key=lambda check: (check.node_id, check.draw))
        checks = tuple(_since(check, bucket_epoch.starts_s) for check in ordered)
        return cls(
            bucket_epoch.starts_s,
            bucket_epoch.ends_s,
            bucket_epoch.minute_seconds,
            tuple(lines),
            tuple(Offline(node_id, at_s) for node_id, times_s in offline for at_s in times_s),
            checks if bucket_epoch.has_all_checks else None,
        )

    def unpacked(self, epoch: int) -> BucketEpoch:
        """What was stored."""
        lines: dict[str, dict[str, NodeLine]] = {}
        for line in self.lines:
            lines.setdefault(line.row.node_id, {})[line.stream_id] = line
        offline: dict[str, tuple[float, ...]] = {}
        for one in self.offline:
            offline[one.node_id] = (*offline.get(one.node_id, ()), one.at_s)
        times = (self.starts_s, self.ends_s, self.minute_seconds)
        return BucketEpoch(
            epoch, *times, lines, self.all_checks(), offline, self.checks is not None
        )

    def all_checks(self) -> tuple[Check, ...]:
        """Those that are left, with their instants in Unix seconds."""
        return tuple(_at(check, self.starts_s) for check in self.checks or ())


PACKED_EPOCHS = Codec(PackedEpoch, "an epoch of projections/nodes")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Some nodes' last epochs: the document `projections/nodes-{bucket}`."""

    epochs: Annotated[Mapping[str, dict[str, Any]], Stored.AS_IS] = field(default_factory=dict)
    """By number, each as it is stored: who reads or changes one unpacks only that."""
    money: MoneyProjection | None = None
    """What the nodes have, and the streams that they were on."""

    def with_epoch(self, bucket_epoch: BucketEpoch, bytes_max: int = BYTES_MAX) -> "Bucket":
        """With one more epoch, or with more of an epoch that it has.

        Epochs beyond EPOCHS_KEPT go; then, while it is too large, the oldest checks, then the
        oldest epochs."""
        key, epochs = str(bucket_epoch.epoch), dict(self.epochs)
        if key in epochs:
            bucket_epoch = (
                PACKED_EPOCHS.decode(epochs[key]).unpacked(bucket_epoch.epoch).merged(bucket_epoch)
            )
        epochs[key] = PACKED_EPOCHS.encode(PackedEpoch.of(bucket_epoch))
        newest_first = sorted(epochs, key=int, reverse=True)[:EPOCHS_KEPT]
        kept = {name: epochs[name] for name in newest_first}
        size = sum(map(_bytes, kept.values()))
        for name in reversed(newest_first):
            if size > bytes_max:
                size -= _bytes(kept[name]["checks"])
                kept[name] = {**kept[name], "checks": None}
        while size > bytes_max and len(kept) > 1:
            size -= _bytes(kept.popitem()[1])
        return replace(self, epochs=kept)

    def with_money(
        self, bucket_epoch: BucketEpoch, money: MoneyProjection, bytes_max: int = BYTES_MAX
    ) -> "Bucket":
        """`with_epoch`, and what the nodes have.

        An excerpt of a newer projection stays."""
        known = self.money or MoneyProjection()
        if known.written_s <= money.written_s:
            streams = {name for lines in bucket_epoch.lines.values() for name in lines}
            known = money.excerpt({*known.streams, *streams}, {*known.tokens, *bucket_epoch.lines})
        room = bytes_max - _bytes(MONEY_PROJECTIONS.encode(known))
        return replace(self.with_epoch(bucket_epoch, room), money=known)

    def epochs_of(self, node_id: str) -> list[NodeEpoch]:
        """What it holds of one node, newest epoch first; epochs without it too."""
        only = {
            "lines": ("row.node_id", {node_id}),
            "offline": ("node_id", {node_id}),
            "checks": ("node_id", {node_id}),
        }
        found = (
            (int(key), PACKED_EPOCHS.decode(stored, only)) for key, stored in self.epochs.items()
        )
        return [
            NodeEpoch(
                epoch,
                stored.starts_s,
                stored.ends_s,
                stored.minute_seconds,
                stored.lines,
                stored.all_checks(),
                tuple(one.at_s for one in stored.offline),
                has_all_checks=stored.checks is not None,
            )
            for epoch, stored in sorted(found, key=itemgetter(0), reverse=True)
        ]


NODE_BUCKETS = Codec(Bucket, "projections/nodes")


def is_known(epochs: Sequence[NodeEpoch]) -> bool:
    """Whether any of the epochs tells anything of the node."""
    return any(each.lines or each.checks or each.offline_s for each in epochs)


def _since(check: Check, starts_s: float) -> Check:
    """A check that is due so long after the epoch's start, with attempts so long after that.

    A few digits each and not fourteen, to the millisecond: a tenth of a bucket."""
    attempts = [_moved(attempt, -check.due_s) for attempt in check.attempts]
    return replace(check, due_s=round(check.due_s - starts_s, 3), attempts=tuple(attempts))


def _at(check: Check, starts_s: float) -> Check:
    due_s = round(check.due_s + starts_s, 3)
    attempts = [_moved(attempt, due_s) for attempt in check.attempts]
    return replace(check, due_s=due_s, attempts=tuple(attempts))


def _moved(attempt: dict[str, Any], by_s: float) -> dict[str, Any]:
    started_s = attempt.get("started_s")
    return attempt if started_s is None else attempt | {"started_s": round(started_s + by_s, 3)}


def _bytes(stored: Any) -> int:
    """What packed columns take, and their names."""
    if isinstance(stored, Mapping):
        return sum(len(name) + _bytes(each) for name, each in stored.items())
    return len(stored) if isinstance(stored, bytes) else 0
