"""Rosters: which node stands at which slot of its shard.

A roster only grows within a version, so a bitmap by slot can be read for ever with the
roster of its version. The collector alone writes it.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import Any

from coordinator.packing import pack, unpack


@dataclass(frozen=True, slots=True)
class Slot:
    """A node's place, and all that a sweep or a check needs to reach it."""

    node_id: str
    stream_id: str
    stats_url: str
    rtmp_host: str
    rtmp_port: int
    joined_tick: int
    changed_s: float
    """When the node last said something new, so that nothing is taken in twice."""
    left_tick: int | None = None
    """First tick in which it is no longer polled; the slot is never given to another."""
    left_reason: str | None = None

    def is_polled_at(self, tick: int) -> bool:
        """Whether a sweep of this tick polls it."""
        return self.joined_tick <= tick and (self.left_tick is None or tick < self.left_tick)


@dataclass(frozen=True, slots=True)
class Announced:
    """What a changed node document tells the roster."""

    node_id: str
    stream_id: str
    stats_url: str
    rtmp_host: str
    rtmp_port: int
    is_leaving: bool
    changed_s: float


@dataclass(frozen=True, slots=True)
class Roster:
    """One shard's roster: the document `rosters/{shard}-{version}`."""

    shard: int
    version: int
    cursor_s: float
    """Node documents changed up to here have been taken in."""
    slots: tuple[Slot, ...] = ()

    @property
    def id(self) -> str:
        """The document's id."""
        return roster_id(self.shard, self.version)

    def taking_in(self, changed: Iterable[Announced], tick: int) -> "Roster":
        """This roster with joins, moves and departures applied, oldest change first.

        A node that changes its stream gets a new slot, so that no minute is ever counted for
        two streams; a changed address stays in its slot. Taking in twice changes nothing."""
        slots = list(self.slots)
        latest = {slot.node_id: at for at, slot in enumerate(slots)}
        cursor_s = self.cursor_s
        for node in sorted(changed, key=lambda node: (node.changed_s, node.node_id)):
            cursor_s = max(cursor_s, node.changed_s)
            at = latest.get(node.node_id)
            if at is not None and slots[at].changed_s >= node.changed_s:
                continue
            if at is not None and slots[at].left_tick is None:
                if not node.is_leaving and slots[at].stream_id == node.stream_id:
                    slots[at] = _slot_of(node, slots[at].joined_tick)
                    continue
                slots[at] = replace(
                    slots[at], left_tick=tick, left_reason="left", changed_s=node.changed_s
                )
            if not node.is_leaving:
                latest[node.node_id] = len(slots)
                slots.append(_slot_of(node, tick))
        return replace(self, cursor_s=cursor_s, slots=tuple(slots))

    def without(self, lost: Iterable[int], tick: int) -> "Roster":
        """This roster with the given slots no longer polled from `tick` on: they are offline."""
        slots = list(self.slots)
        for at in lost:
            slots[at] = replace(slots[at], left_tick=tick, left_reason="offline")
        return replace(self, slots=tuple(slots))

    def to_fields(self) -> dict[str, Any]:
        """The document's fields."""
        return {
            "shard": self.shard,
            "version": self.version,
            "cursor_s": self.cursor_s,
            "slots": pack([astuple(slot) for slot in self.slots]),
        }

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> "Roster":
        """The roster that `to_fields` wrote."""
        slots = tuple(Slot(*row) for row in unpack(fields["slots"]))
        return cls(fields["shard"], fields["version"], fields["cursor_s"], slots)


def roster_id(shard: int, version: int) -> str:
    """Names a roster document."""
    return f"{shard}-{version}"


def _slot_of(node: Announced, joined_tick: int) -> Slot:
    return Slot(
        node.node_id,
        node.stream_id,
        node.stats_url,
        node.rtmp_host,
        node.rtmp_port,
        joined_tick,
        node.changed_s,
    )
