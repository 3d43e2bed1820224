"""Goodbyes: what runs say of who left, held against the rosters that took it in. Pure.

A roster dates each goodbye. The collector writes it a sweep later than the prober knows it. Of what
lies within the time that a write may take neither can be blamed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from coordinator.checking.checks import Check, Run
from coordinator.checking.departures import explained, may_have_left
from coordinator.sweeping.goodbyes import said_goodbye
from coordinator.sweeping.rosters import Slot
from tools.verify.check_audit import Rosters

WRITTEN_WITHIN_S = 10.0
"""So long the store may take to write what a node said."""
BACK_WITHIN_TICKS = 2
"""So many ticks after it came back a node stands on a roster."""


@dataclass
class GoodbyeAudit:
    """Every goodbye on some rosters."""

    rosters: Rosters
    sweep_seconds: int
    _slots: dict[str, list[Slot]] = field(init=False)

    def __post_init__(self) -> None:
        self._slots = {}
        for roster in self.rosters.values():
            for slot in roster.slots:
                self._slots.setdefault(slot.node_id, []).append(slot)

    def had_left(self, names: Iterable[str], begins_s: float, since_tick: int) -> frozenset[str]:
        """Those of the nodes, polled in `since_tick`, that said goodbye before a draw began."""
        return frozenset(
            name
            for name in names
            for slot in self._goodbyes(name)
            if slot.changed_s < begins_s and (slot.left_tick or 0) > since_tick
        )

    def findings(self, runs: Iterable[Run]) -> Iterator[str]:
        """Checks that say of a node that it left, or do not, against its rosters."""
        for run in runs:
            for check in run.checks:
                where = f"draw {run.draw}: {check.node_id}"
                if check.has_left and self._can_tell(check) and not self._bears_out(check):
                    yield f"{where} says that its node left, and its roster does not"
                elif any(self._explains(slot, check) for slot in self._goodbyes(check.node_id)):
                    yield f"{where} says {check.reason}, and its node had said goodbye"

    def _goodbyes(self, node_id: str) -> Iterator[Slot]:
        return (slot for slot in self._slots.get(node_id, ()) if said_goodbye(slot))

    def _can_tell(self, check: Check) -> bool:
        """Whether a roster is known that was in force when the goodbye was taken in."""
        taken_in = int((check.left_s or check.due_s) // self.sweep_seconds) + 1
        ends = (roster.until_tick for roster in self.rosters.values())
        return any(end is None or end > taken_in for end in ends)

    def _bears_out(self, check: Check) -> bool:
        """Whether its roster closed its slot for that goodbye, or for one shortly before it."""
        left_s = check.left_s
        return left_s is not None and any(
            slot.changed_s <= left_s < ((slot.left_tick or 0) + 1) * self.sweep_seconds
            for slot in self._goodbyes(check.node_id)
        )

    def _explains(self, slot: Slot, check: Check) -> bool:
        """Whether a goodbye has to be what a check failed for: it was known, and stood."""
        if not may_have_left(check) or slot.stream_id != check.stream_id:
            return False
        last = check.attempts[-1]
        ends_s = last["started_s"] + last["seconds"]
        is_known = check.due_s - WRITTEN_WITHIN_S < slot.changed_s < ends_s - WRITTEN_WITHIN_S
        if not is_known or not explained(check, slot.changed_s).has_left:
            return False
        back = int(ends_s // self.sweep_seconds) + BACK_WITHIN_TICKS
        left_tick = slot.left_tick or 0
        later = (each for each in self._slots[check.node_id] if each.joined_tick >= left_tick)
        return all(each.joined_tick > back for each in later)
