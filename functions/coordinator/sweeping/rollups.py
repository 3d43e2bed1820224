"""Hourly roll-ups: an hour of a shard's sweeps as a few counts per node, for pages and history.

Evidence they are not: pay is computed from the sweeps themselves.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from coordinator.documents.codec import Codec
from coordinator.documents.columns import Table
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import SweepBits
from coordinator.sweeping.uptime import IngestTicks, minutes_of


@dataclass(frozen=True, slots=True)
class NodeHour:
    """One node's minutes of one hour."""

    due: int
    """Since the node was first heard of: minutes in which it was away are among them."""
    up: int
    unknown: int
    """Not measured, by our own fault."""
    idle: int = 0
    """Nobody published the stream, or it was interrupted."""

    def __add__(self, other: "NodeHour") -> "NodeHour":
        """Both together: of two streams, or of a whole day."""
        return NodeHour(
            self.due + other.due,
            self.up + other.up,
            self.unknown + other.unknown,
            self.idle + other.idle,
        )


@dataclass(frozen=True, slots=True)
class Rollup:
    """The document `rollups/{shard}-{hour}`; hours are counted from 1970."""

    shard: Shard
    hour: int
    nodes: Annotated[Mapping[tuple[str, str], NodeHour], Table()] = field(default_factory=dict)
    """By (node id, stream id)."""

    @property
    def id(self) -> str:
        """The document's id."""
        return rollup_id(self.shard, self.hour)


ROLLUPS = Codec(Rollup, "rollups", keys=lambda rollup: {"rollup_hour": rollup.hour})


def rollup_id(shard: Shard, hour: int) -> str:
    """Names a roll-up's document."""
    return f"{shard}-{hour}"


def rolled_up(  # noqa: PLR0913, PLR0917 - what an hour is counted from
    shard: Shard,
    hour: int,
    ticks: range,
    rosters: Mapping[tuple[Shard, int], Roster],
    sweeps: Iterable[SweepBits],
    ingest: Callable[[str], IngestTicks] = lambda _: IngestTicks(),
) -> Rollup:
    """One shard's sweeps of an hour, counted. `rosters` by (shard, version), of this shard.

    `ingest`: what was read of a stream there, in these ticks."""
    measured = list(sweeps)
    streams = {slot.stream_id for roster in rosters.values() for slot in roster.slots}
    nodes = {
        (node_id, stream_id): NodeHour(
            minutes.due.bit_count(),
            minutes.up.bit_count(),
            minutes.unknown.bit_count(),
            minutes.idle.bit_count(),
        )
        for stream_id in streams
        for node_id, minutes in minutes_of(
            stream_id, ticks, rosters, measured, ingest(stream_id)
        ).items()
    }
    slots = (slot for roster in rosters.values() for slot in roster.slots)
    return Rollup(shard, hour, _with_absences(nodes, slots, ticks))


def _with_absences(
    nodes: Mapping[tuple[str, str], NodeHour], slots: Iterable[Slot], ticks: range
) -> dict[tuple[str, str], NodeHour]:
    """With the minutes in which a node stood on no roster, from its first one on, as due."""
    there: dict[str, int] = {}
    for (node_id, _), hour in nodes.items():
        there[node_id] = there.get(node_id, 0) + hour.due
    found, newest = dict(nodes), {slot.node_id: slot for slot in sorted(slots, key=_joined)}
    for node_id, slot in newest.items():
        begins = max(ticks.start, slot.first_seen_tick)
        away = max(0, ticks.stop - begins) - there.get(node_id, 0)
        if away > 0:
            key = (node_id, slot.stream_id)
            found[key] = found.get(key, NodeHour(0, 0, 0)) + NodeHour(away, 0, 0)
    return found


def _joined(slot: Slot) -> int:
    return slot.joined_tick
