"""What the page of a node is made of: the documents `pages/nodes-{bucket}`, written by payout.

A bucket holds many nodes, so that a settled epoch costs few writes, and the last epochs of each,
so that a page costs one read. It is a projection of statements and checks, never evidence: it can
be written again at any time, says through which epoch it is, and what does not fit is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from coordinator.checking.check_tables import pack_checks, unpack_checks
from coordinator.checking.checks import Check
from coordinator.documents.packing import pack, unpack
from coordinator.keys import shard_of
from coordinator.ledger.rows import Row
from coordinator.pages.money_pages import MoneyPage, carried_by

BUCKETS = 40
"""At 10,000 nodes 250 in each, which four checks an hour just fit in; 0.1 writes a node-day."""
EPOCHS_KEPT = 24
BYTES_MAX = 1_000_000
"""Of all packed fields; a document's limit is 1,048,576 with its names."""


@dataclass(frozen=True, slots=True)
class Line:
    """One node in one stream's epoch."""

    stream_id: str
    rate_micros_per_hour: int
    holding_epochs: int
    minutes: str
    """A letter for each, see `coordinator.pages.strips`."""
    row: Row


@dataclass(frozen=True, slots=True)
class NodeEpoch:
    """One settled epoch of one node."""

    epoch: int
    starts_s: int
    ends_s: int
    minute_seconds: int
    lines: tuple[Line, ...]
    """By stream id."""
    checks: tuple[Check, ...]
    """By draw."""
    offline_s: tuple[float, ...]
    """When it was given up as offline."""
    has_all_checks: bool = True
    """False once they had to make room; they stand in the record of runs."""


@dataclass(frozen=True, slots=True)
class Part:
    """One settled epoch of a bucket's nodes."""

    epoch: int
    starts_s: int
    ends_s: int
    minute_seconds: int
    lines: Mapping[str, Mapping[str, Line]] = field(default_factory=dict)
    """By node id and stream id."""
    checks: tuple[Check, ...] = ()
    offline_s: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """By node id."""
    has_all_checks: bool = True

    def merged(self, other: "Part") -> "Part":
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

    def to_fields(self) -> dict[str, Any]:
        """Two packed fields, so that old checks can be left out by themselves."""
        terms: dict[str, list[int]] = {}
        nodes: dict[str, dict[str, list[Any]]] = {}
        for node_id, lines in self.lines.items():
            for name, line in lines.items():
                terms[name] = [line.rate_micros_per_hour, line.holding_epochs]
                nodes.setdefault(node_id, {})[name] = [line.minutes, line.row.to_row()]
        times = [self.starts_s, self.ends_s, self.minute_seconds]
        offline = {node_id: list(times_s) for node_id, times_s in self.offline_s.items()}
        rows = pack({"times": times, "terms": terms, "nodes": nodes, "offline": offline})
        checks = pack_checks(self.checks) if self.has_all_checks else None
        return {"rows": rows, "checks": checks}

    @classmethod
    def from_fields(cls, epoch: int, fields: Mapping[str, Any]) -> "Part":
        """The part that `to_fields` wrote."""
        known = unpack(fields["rows"])
        starts_s, ends_s, minute_seconds = known["times"]
        packed = fields["checks"]
        return cls(
            epoch,
            starts_s,
            ends_s,
            minute_seconds,
            lines={name: _lines(known["terms"], found) for name, found in known["nodes"].items()},
            checks=tuple(unpack_checks(packed)) if packed else (),
            offline_s={name: tuple(times_s) for name, times_s in known["offline"].items()},
            has_all_checks=packed is not None,
        )


def _lines(terms: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Line]:
    return {
        name: Line(name, terms[name][0], terms[name][1], minutes, Row.from_row(row))
        for name, (minutes, row) in sorted(found.items())
    }


def bucket_of(node_id: str) -> int:
    """Which document a node is in."""
    return shard_of(node_id, BUCKETS)


def with_part(
    fields: Mapping[str, Any] | None, part: Part, bytes_max: int = BYTES_MAX
) -> dict[str, Any]:
    """The document with one more epoch, or with more of an epoch that it has.

    Only the epoch that changes is unpacked. Epochs beyond EPOCHS_KEPT go; then, while it is too
    large, the oldest checks, then the oldest epochs."""
    epochs = dict(fields["epochs"]) if fields else {}
    key = str(part.epoch)
    whole = Part.from_fields(part.epoch, epochs[key]).merged(part) if key in epochs else part
    epochs[key] = whole.to_fields()
    newest_first = sorted(epochs, key=int, reverse=True)[:EPOCHS_KEPT]
    kept = {name: epochs[name] for name in newest_first}
    size = sum(map(_bytes, kept.values()))
    for name in reversed(newest_first):
        if size > bytes_max:
            size -= len(kept[name]["checks"] or b"")
            kept[name] = {**kept[name], "checks": None}
    while size > bytes_max and len(kept) > 1:
        size -= _bytes(kept.popitem()[1])
    return {"through_epoch": max(map(int, kept)), "epochs": kept}


def with_money(
    fields: Mapping[str, Any] | None, part: Part, money: MoneyPage, bytes_max: int = BYTES_MAX
) -> dict[str, Any]:
    """`with_part`, and what the bucket's nodes have, and every stream that one of them may be on.

    What was cut out of a newer page stays."""
    known = carried_by(fields) or MoneyPage()
    streams = {name for lines in part.lines.values() for name in lines}
    if known.written_s <= money.written_s:
        names = {*known.streams, *streams, *money.running}
        known = money.cut(names, {*known.tokens, *part.lines})
    carried = known.to_fields()
    room = bytes_max - sum(len(each) for each in carried.values() if isinstance(each, bytes))
    return {**with_part(fields, part, room), "money": carried}


def epochs_of(fields: Mapping[str, Any] | None, node_id: str) -> list[NodeEpoch]:
    """What a bucket's document holds of one node, newest epoch first; epochs without it too."""
    found = fields["epochs"] if fields else {}
    return [
        _epoch_of(int(key), found[key], node_id) for key in sorted(found, key=int, reverse=True)
    ]


def _epoch_of(epoch: int, fields: Mapping[str, Any], node_id: str) -> NodeEpoch:
    known, packed = unpack(fields["rows"]), fields["checks"]
    starts_s, ends_s, minute_seconds = known["times"]
    return NodeEpoch(
        epoch,
        starts_s,
        ends_s,
        minute_seconds,
        tuple(_lines(known["terms"], known["nodes"].get(node_id, {})).values()),
        tuple(unpack_checks(packed, node_id)) if packed else (),
        tuple(known["offline"].get(node_id, ())),
        has_all_checks=packed is not None,
    )


def is_known(epochs: Sequence[NodeEpoch]) -> bool:
    """Whether any of the epochs tells anything of the node."""
    return any(each.lines or each.checks or each.offline_s for each in epochs)


def _bytes(fields: Mapping[str, Any]) -> int:
    return len(fields["rows"]) + len(fields["checks"] or b"")
