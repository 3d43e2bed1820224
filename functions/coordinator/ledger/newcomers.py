"""A newcomer's draws: they come soon after a key's first heartbeat, when its operator knows it.

So such a check proves, fails and flags, and pays only minutes since the node joined last: it
decides nothing from before the time that its operator chose.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from coordinator.checking.checks import Check
from coordinator.checking.lottery import NEWCOMER_S
from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.sweeping.rosters import Roster

EVERYTHING = -1
"""As a bitmap."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A node in its first minutes."""

    until_s: float
    """Draws that begin earlier are a newcomer's."""
    check_seconds: int = 60
    joined_s: tuple[int, ...] = ()
    """When it took each of its places of the stream."""

    def stay(self, check: Check, epoch: EpochMinutes) -> tuple[int, int | None]:
        """What a passed check may decide: minutes of the epoch as a bitmap, and how many of those
        that came along; None: all of them."""
        if check.draw * self.check_seconds >= self.until_s:
            return EVERYTHING, None
        joined_s = max((at_s for at_s in self.joined_s if at_s <= check.due_s), default=0)
        before = (epoch.starts_s - joined_s) // epoch.minute_s
        if before > 0:
            return EVERYTHING, before
        return ~epoch.until(joined_s - epoch.minute_s), 0


NOT_NEW = Newcomer(0.0)


def newcomers_of(
    stream_id: str, rosters: Iterable[Roster], starts_s: int, minute_s: int, check_seconds: int
) -> dict[str, Newcomer]:
    """The newcomers of an epoch of a stream, by node id."""
    joined: dict[str, tuple[float, set[int]]] = {}
    for roster in rosters:
        for slot in roster.slots:
            until_s = slot.first_seen_tick * minute_s + NEWCOMER_S
            if slot.stream_id == stream_id and until_s > starts_s:
                known = joined.setdefault(slot.node_id, (until_s, set()))
                known[1].add(slot.joined_tick * minute_s)
    return {
        node_id: Newcomer(until_s, check_seconds, tuple(sorted(places)))
        for node_id, (until_s, places) in joined.items()
    }
