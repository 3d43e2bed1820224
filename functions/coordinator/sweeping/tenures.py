"""A node's minutes since it first joined: they outlive its slots, and absences count.

A slot that a node leaves is given what its minutes came to. A slot that it returns to goes on from
there, with the minutes between as minutes due. One whose slot was dropped meanwhile has them in its
own document.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from coordinator.sweeping.polls import Poll
from coordinator.sweeping.rosters import Roster, Slot


def tallied(roster: Roster, before: Roster, polls: Mapping[int, Poll]) -> Roster:
    """`roster`, made of `before` by changes, with the minutes of who left and who came.

    `polls` are the rows of the last sweep, by slot of `before`."""
    slots, known = list(roster.slots), len(before.slots)
    latest: dict[str, Slot] = {}
    for at, slot in enumerate(roster.slots):
        earlier = latest.get(slot.node_id)
        if at >= known:
            slots[at] = _returned(slot, earlier) if earlier else slot
        elif slot.left_tick is not None and before.slots[at].left_tick is None:
            slots[at] = _totalled(slot, polls.get(at))
        latest[slot.node_id] = slots[at]
    return replace(roster, slots=tuple(slots))


def going_on(roster: Roster, polls: Mapping[int, Poll]) -> Roster:
    """A closed roster whose slots say what their rows did: the next division has none of those."""
    slots = (
        slot if slot.left_tick is not None else _totalled(slot, polls.get(at))
        for at, slot in enumerate(roster.slots)
    )
    return replace(roster, slots=tuple(slots))


def dropped(old: Iterable[Roster], new: Iterable[Roster]) -> list[Slot]:
    """The slots of nodes that have none on the rosters that follow: their newest."""
    kept = {slot.node_id for roster in new for slot in roster.slots}
    newest: dict[str, Slot] = {}
    for slot in (slot for roster in old for slot in roster.slots if slot.node_id not in kept):
        before = newest.get(slot.node_id)
        if before is None or before.joined_tick <= slot.joined_tick:
            newest[slot.node_id] = slot
    return list(newest.values())


def minutes_until(tick: int, slot: Slot, poll: Poll | None) -> tuple[int, int]:
    """(due, up) of a slot's node since it first joined, until the sweep of `tick`."""
    if poll is not None:
        return poll.minutes_due, poll.minutes_up
    away = 0 if slot.left_tick is None else max(0, tick + 1 - slot.left_tick)
    return slot.minutes_due + away, slot.minutes_up


def _totalled(slot: Slot, poll: Poll | None) -> Slot:
    if poll is None:  # it was never polled here
        return slot
    return replace(slot, minutes_due=poll.minutes_due, minutes_up=poll.minutes_up)


def _returned(slot: Slot, earlier: Slot) -> Slot:
    """A new slot of a node that had another one on this roster."""
    left = slot.joined_tick if earlier.left_tick is None else earlier.left_tick
    return replace(
        slot,
        first_tick=earlier.first_tick or slot.first_tick,
        minutes_due=earlier.minutes_due + slot.joined_tick - left,
        minutes_up=earlier.minutes_up,
    )
