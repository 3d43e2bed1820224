"""Minutes in which a node waited for its stream: due, once it is known that the stream was there.

A sweep cannot know it. The run that reads the ingest in the same minute ends behind it, and may
find that the stream was interrupted, as settling does (`coordinator.sweeping.uptime`). So the share
that people are shown leaves such a minute out until that run is on record. Then it is the node's
fault, or nobody's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from coordinator.checking.checks import Run
from coordinator.checking.lengths import FIRST_RECORD_S_MAX
from coordinator.epochs import Calendar
from coordinator.sweeping.polls import Poll
from coordinator.sweeping.rosters import Slot
from coordinator.sweeping.uptime import draws_of_tick, ingest_ticks_of


@dataclass(frozen=True, slots=True)
class Waits:
    """What the rows of the sweep of `last_tick` have put off, as the one of `tick` begins."""

    polls: Mapping[int, Poll]
    last_tick: int
    tick: int
    calendar: Calendar

    def draws(self) -> range:
        """Of everything that is decided now: their runs are asked for. Empty if nothing is."""
        ticks = {tick for poll in self.polls.values() for tick in self._decided(poll)}
        if not ticks:
            return range(0)
        first, last = (draws_of_tick(each, self.calendar) for each in (min(ticks), max(ticks)))
        return range(first.start, last.stop)

    def decided(self, slots: Sequence[Slot], runs: Iterable[Run]) -> dict[int, Poll]:
        """The rows, as the next sweep goes on from them, by the runs of `draws`."""
        told = list(runs)
        longest = max((poll.waited.bit_length() for poll in self.polls.values()), default=0)
        ticks = range(self.last_tick + 1 - longest, self.last_tick + 1)

        @cache
        def steady(stream_id: str) -> frozenset[int]:
            return ingest_ticks_of(stream_id, told, self.calendar, ticks).steady or frozenset()

        found = dict(self.polls)
        for at, poll in self.polls.items():
            if poll.waited:
                known = self._decided(poll)
                due = len(steady(slots[at].stream_id).intersection(known))
                left = sum(1 << self.tick - each for each in self._ticks_of(poll) - known)
                found[at] = replace(poll, minutes_due=poll.minutes_due + due, waited=left)
        return found

    def _decided(self, poll: Poll) -> set[int]:
        begins_s = self.tick * self.calendar.sweep_seconds
        return {each for each in self._ticks_of(poll) if begins_s >= told_s(each, self.calendar)}

    def _ticks_of(self, poll: Poll) -> set[int]:
        return {
            self.last_tick - at for at in range(poll.waited.bit_length()) if poll.waited >> at & 1
        }


def told_s(tick: int, calendar: Calendar) -> float:
    """When the runs of all draws that a tick lies in are on record."""
    return draws_of_tick(tick, calendar).stop * calendar.check_seconds + FIRST_RECORD_S_MAX
