"""What a roster tells of nodes that said goodbye. Pure.

Whoever said goodbye before a draw is not drawn in it. So the minute of a goodbye does not count as
up: what counts can be drawn, and whoever leaves before each draw and comes back would else be paid
for minutes that nothing holds to their word.
"""

from collections.abc import Iterable, Mapping

from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.rosters import Roster, Slot


def said_goodbye(slot: Slot) -> bool:
    """Whether its node left it by saying so."""
    return slot.left_tick is not None and slot.left_reason == Reason.LEFT


def without_goodbyes(
    minutes: Mapping[str, Minutes], rosters: Iterable[Roster], ticks: range, minute_s: int
) -> dict[str, Minutes]:
    """Minutes by node id, without those from a goodbye until its slot ended."""
    left: dict[str, int] = {}
    for roster in rosters:
        for slot in roster.slots:
            if said_goodbye(slot) and slot.node_id in minutes:
                gone = _bits_between(int(slot.changed_s) // minute_s, slot.left_tick or 0, ticks)
                left[slot.node_id] = left.get(slot.node_id, 0) | gone
    return {name: one.without(left.get(name, 0)) for name, one in minutes.items()}


def _bits_between(first: int, end: int, ticks: range) -> int:
    begins = min(max(first - ticks.start, 0), len(ticks))
    ends = min(max(end - ticks.start, begins), len(ticks))
    return (1 << ends) - (1 << begins)
