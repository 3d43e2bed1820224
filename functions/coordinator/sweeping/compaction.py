"""When a roster is made anew, and who stands on the new one.

A slot is never given to another node, so that old bitmaps can be read for ever. What is gone takes
room all the same, until a new version leaves it out: slots that a newer one of their node has
superseded at once, and those of who left after a day, or as soon as somebody needs the room.
"""

from collections.abc import Collection, Iterable, Mapping

from coordinator.sweeping.roster_room import RosterRoom
from coordinator.sweeping.rosters import Announcement, Roster, Slot, slot_of
from coordinator.sweeping.shards import Shard

COMPACT_AT_GONE = 256
"""Slots to be dropped, and a quarter of all, before a new version is worth its writes."""
SPARE_SLOTS = 512
"""What a new version leaves free beyond those who come, if that many have left: else the next few
would need another one at once."""


def wants_compaction(
    roster: Roster, kept_since_tick: int, coming: Collection[Announcement] = ()
) -> bool:
    """Whether so many slots are gone for good that a new version is worth its writes; or whether
    those who come do not fit, and would if fewer were kept of those who left."""
    newest = _newest(roster.slots)
    gone = len(roster.slots) - sum(_is_kept(slot, kept_since_tick) for slot in newest.values())
    if gone >= COMPACT_AT_GONE and 4 * gone >= len(roster.slots):
        return True
    needs = _needs(newest, coming)
    if not any(needs) or not RosterRoom.taken_by(roster.slots).lacks(*needs):
        return False
    return any(slot.left_tick is not None for slot in roster.slots)


def succeeding(
    old: Iterable[Roster],
    shard: Shard,
    tick: int,
    *,
    kept_since_tick: int,
    coming: Collection[Announcement] = (),
) -> Roster:
    """A shard's roster from `tick` on, made of those that were in force before it.

    Who is polled goes on being polled, on the roster since the same tick: a check is drawn more
    often for newcomers. Who left lately is kept for people to see, as far as that leaves room for
    those who come."""
    rosters = list(old)
    newest = _newest(
        slot for roster in rosters for slot in roster.slots if shard.holds(slot.node_id)
    )
    kept = [slot for slot in newest.values() if _is_kept(slot, kept_since_tick)]
    kept = _fitting(kept, *_needs(newest, coming))
    cursor_s = min((roster.cursor_s for roster in rosters), default=0.0)
    kept.sort(key=lambda slot: (slot.joined_tick, slot.node_id))
    return Roster(shard, tick, cursor_s, tuple(kept))


def _newest(slots: Iterable[Slot]) -> dict[str, Slot]:
    """Each node's newest slot, by its id."""
    newest: dict[str, Slot] = {}
    for slot in slots:
        before = newest.get(slot.node_id)
        if before is None or _order(before) <= _order(slot):
            newest[slot.node_id] = slot
    return newest


def _needs(newest: Mapping[str, Slot], coming: Iterable[Announcement]) -> tuple[int, int]:
    """The slots and characters that those who come take at the most."""
    slots = characters = 0
    for node in coming:
        slot = newest.get(node.node_id)
        stands = slot and slot.left_tick is None and slot.stream_id == node.stream_id
        stands = stands and slot and node.goodbye_s(slot) is None
        is_known = slot and slot.changed_s >= node.changed_s  # read once more, for the overlap
        if not (node.is_leaving or stands or is_known):
            slots += 1
            characters += slot_of(node, 0).characters
    return slots, characters


def _fitting(slots: list[Slot], coming: int, characters: int) -> list[Slot]:
    """Those of the slots that leave room: whoever left longest ago gives way, and before them
    who was never up. Nobody who is polled does."""
    kept = [slot for slot in slots if slot.left_tick is None]
    left = [slot for slot in slots if slot.left_tick is not None]
    left.sort(key=lambda slot: (slot.minutes_up > 0, slot.left_tick or 0), reverse=True)
    room = RosterRoom.taken_by(kept)
    for slot in left:
        if room.lacks(coming + SPARE_SLOTS + 1, characters + slot.characters):
            break
        kept.append(slot)
        room.add(slot)
    return kept


def _is_kept(slot: Slot, since_tick: int) -> bool:
    return slot.left_tick is None or slot.left_tick >= since_tick


def _order(slot: Slot) -> tuple[bool, int, float]:
    """Later is newer; a slot that is still polled is newer than any that is not."""
    return slot.left_tick is None, slot.joined_tick, slot.changed_s
