"""A line of the log that ops are called for: a roster will soon have no room for who comes."""

from coordinator.adapters.log import Log, LogEvent
from coordinator.sweeping.roster_room import NEARLY_FULL_PERCENT, percent_taken
from coordinator.sweeping.rosters import Roster


def warn_of_room(roster: Roster, log: Log) -> None:
    """After every sweep for as long as it is so. Slots that are polled no more do not count: they
    go when somebody needs their room."""
    polled = [slot for slot in roster.slots if slot.left_tick is None]
    percent = percent_taken(polled)
    if percent >= NEARLY_FULL_PERCENT:
        log(
            LogEvent.ROSTER_NEARLY_FULL,
            severity="WARNING",
            shard=roster.shard.number,
            nodes=len(polled),
            percent=percent,
        )
