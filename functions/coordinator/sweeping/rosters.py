"""Rosters: which node stands at which slot of its shard.

A roster only grows within a version, so a bitmap by slot can be read for ever with the
roster of its version. A version is named by the tick from which it is in force. It is closed by
the tick from which another one is: when it was compacted, or when SHARDS was changed.
The collector alone writes rosters.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from coordinator.reasons import Reason
from coordinator.sweeping.roster_room import RosterRoom
from coordinator.sweeping.shards import Shard

VERSION_DIGITS_MAX = 12
CURSOR_OVERLAP_S = 15.0
"""Node documents are read again this far back: a clock may lag, and a write takes a moment."""
TURNED_AWAY = frozenset({Reason.NETWORK_FULL, Reason.TARGET_CROWDED})
"""Why a node was not asked where its name leads: it is told so until there is room."""


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
    """`left`: `changed_s` is when its node said goodbye, or changed its stream. Else `offline`, or
    one of TURNED_AWAY."""
    first_tick: int = 0
    """When its node was first heard of, ever; 0 on rosters from before that was kept."""
    minutes_due: int = 0
    """Of its node until this slot begins, absences included; until it left, once it has."""
    minutes_up: int = 0
    calls_from_there: bool = False
    """Whether its node called from the very address that it named: then it asks for itself."""

    @property
    def first_seen_tick(self) -> int:
        """When its node was first heard of, whatever slots it has had since."""
        return self.first_tick or self.joined_tick

    def is_polled_at(self, tick: int) -> bool:
        """Whether a sweep of this tick polls it."""
        return self.joined_tick <= tick and (self.left_tick is None or tick < self.left_tick)

    @property
    def characters(self) -> int:
        """What it takes of CHARACTERS_MAX; the host is a part of the URL."""
        return sum(map(len, (self.node_id, self.stream_id, self.stats_url)))


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a changed node document tells the roster."""

    node_id: str
    stream_id: str
    stats_url: str
    rtmp_host: str
    rtmp_port: int
    is_leaving: bool
    changed_s: float
    first_tick: int = 0
    minutes_due: int = 0
    """Until `away_tick`, of a node whose slot was dropped after it had left."""
    minutes_up: int = 0
    away_tick: int | None = None
    left_s: float = 0.0
    """When it last said goodbye, though it may be back."""
    calls_from_there: bool = False

    def goodbye_s(self, slot: Slot) -> float | None:
        """When it said goodbye since its slot was taken in; None if it did not."""
        if self.left_s > slot.changed_s:
            return self.left_s
        return self.changed_s if self.is_leaving else None


@dataclass(frozen=True, slots=True)
class Roster:
    """One shard's roster: the document `rosters/{shard}-{version}`."""

    shard: Shard
    version: int
    """The first tick that it is in force."""
    cursor_s: float
    """Node documents changed up to here have been taken in."""
    slots: tuple[Slot, ...] = ()
    until_tick: int | None = None
    """The first tick that it is in force no more; if it was compacted, the next version's name."""
    revision: int = 0
    """How often this version was written: a reader sees by it whether its copy is old."""

    @property
    def id(self) -> str:
        """The document's id."""
        return roster_id(self.shard, self.version)

    @property
    def next_version(self) -> int | None:
        """What it was compacted to, if it was; None while it is in force, or if it never was."""
        return None if self.until_tick == self.version else self.until_tick

    def taking_in(
        self,
        changed: Iterable[Announcement],
        tick: int,
        networks: Mapping[str, str] | None = None,
    ) -> "Roster":
        """This roster with joins, moves and departures applied, oldest change first.

        `networks`: where hosts that have a name have answered lately, by node id.

        A node that changes its stream gets a new slot, so that no minute is ever counted for
        two streams; a changed address stays in its slot. So does whoever said goodbye and is back
        already: the goodbye may have spared it a check. Taking in twice changes nothing."""
        slots, room = list(self.slots), RosterRoom.taken_by(self.slots, networks)
        latest = {slot.node_id: at for at, slot in enumerate(slots)}
        cursor_s = self.cursor_s
        for node in sorted(changed, key=lambda node: (node.changed_s, node.node_id)):
            cursor_s = max(cursor_s, node.changed_s)
            at = latest.get(node.node_id)
            if at is not None and slots[at].changed_s >= node.changed_s:
                continue
            if at is not None and slots[at].left_tick is None:
                goodbye_s = node.goodbye_s(slots[at])
                if goodbye_s is None and slots[at].stream_id == node.stream_id:
                    moved = _moved(slots[at], node)
                    if room.may_move(slots[at], moved):
                        room.move(slots[at], moved)
                        slots[at] = moved
                    continue
                room.leave(slots[at])
                said_s = node.changed_s if goodbye_s is None else goodbye_s
                slots[at] = replace(slots[at], left_tick=tick, left_reason="left", changed_s=said_s)
            slot = slot_of(node, tick)
            # Whoever is turned away announces itself again, as soon as it finds itself missing.
            if not node.is_leaving and not room.refusal(slot.rtmp_host, slot.characters):
                latest[node.node_id] = len(slots)
                slots.append(slot)
                room.add(slot)
        return replace(self, cursor_s=cursor_s, slots=tuple(slots))

    def without(
        self, lost: Iterable[int], tick: int, why: Mapping[int, Reason] | None = None
    ) -> "Roster":
        """This roster with the given slots no longer polled from `tick` on.

        They are offline, but for those of `why` that were turned away where they announced."""
        slots, why = list(self.slots), why or {}
        for at in lost:
            reason = why.get(at, Reason.OFFLINE)
            left = reason if reason in TURNED_AWAY else Reason.OFFLINE
            slots[at] = replace(slots[at], left_tick=tick, left_reason=left.value)
        return replace(self, slots=tuple(slots))

    def is_in_force_at(self, tick: int) -> bool:
        """Whether sweeps of this tick go by it."""
        return self.version <= tick and (self.until_tick is None or tick < self.until_tick)

    def changed_since(self, before: "Roster") -> dict[int, Slot]:
        """The slots that are new or other than in an earlier revision."""
        old = before.slots
        return {at: slot for at, slot in enumerate(self.slots) if at >= len(old) or slot != old[at]}

    def changed_by(self, changes: Mapping[int, Slot], revision: int) -> "Roster":
        """This roster with the changes that made `revision` of it."""
        slots = dict(enumerate(self.slots)) | dict(changes)
        return replace(self, slots=tuple(slots[at] for at in range(len(slots))), revision=revision)


def by_node(rows: Mapping[int, Any], roster: Roster) -> dict[tuple[str, str], Any]:
    """Rows by slot, by (node id, stream id): what does not change with the version."""
    return {(roster.slots[at].node_id, roster.slots[at].stream_id): r for at, r in rows.items()}


def roster_id(shard: Shard, version: int) -> str:
    """Names a roster document."""
    return f"{shard}-{version}"


def roster_key(name: str) -> tuple[Shard, int]:
    """(shard, version) of a roster document's id; ValueError if it is none."""
    shard, _, version = name.partition("-")
    if not (version.isascii() and version.isdigit() and len(version) <= VERSION_DIGITS_MAX):
        raise ValueError("a roster is named like 0of1-29921760: its shard and its first tick")
    return Shard.parse(shard), int(version)


def slot_of(node: Announcement, joined_tick: int) -> Slot:
    """The slot that a node gets with what it announced."""
    away = 0 if node.away_tick is None else max(0, joined_tick - node.away_tick)
    return Slot(
        node.node_id,
        node.stream_id,
        node.stats_url,
        node.rtmp_host,
        node.rtmp_port,
        joined_tick,
        node.changed_s,
        first_tick=min(node.first_tick, joined_tick),
        minutes_due=node.minutes_due + away,
        minutes_up=node.minutes_up,
        calls_from_there=node.calls_from_there,
    )


def _moved(slot: Slot, node: Announcement) -> Slot:
    """The same place with another address: it has the past that it had."""
    return replace(
        slot_of(node, slot.joined_tick),
        first_tick=slot.first_tick or min(node.first_tick, slot.joined_tick),
        minutes_due=slot.minutes_due,
        minutes_up=slot.minutes_up,
    )
