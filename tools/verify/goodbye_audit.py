"""Goodbyes: what runs say of who left, held against the rosters that took it in. Pure.

A roster dates the first goodbye since a sweep. So a failure that is called `left` can be held to
it. That one should have been called so cannot be told: its node may have come back in between.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from coordinator.checking.checks import Check, Run
from coordinator.sweeping.goodbyes import said_goodbye
from coordinator.sweeping.rosters import Slot
from tools.verify.check_audit import Rosters


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
        """Checks that say of a node that it left, and rosters do not."""
        for run in runs:
            for check in run.checks:
                if check.has_left and self._can_tell(check) and not self._bears_out(check):
                    where = f"draw {run.draw}: {check.node_id}"
                    yield f"{where} says that its node left, and its roster does not"

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
