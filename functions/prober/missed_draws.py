"""Which draws no run recorded, so that they are put on record afterwards.

Nothing may be missing from the record: a draw left out could have been left out on purpose.
"""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field

from coordinator.adapters.records import Measurements
from coordinator.checking.checks import Run
from coordinator.checking.lengths import FIRST_RECORD_S_MAX, LAST_RECORD_S_MAX
from coordinator.checking.partitions import UNDIVIDED, Partition
from coordinator.checking.trust_book import TrustBook
from coordinator.epochs import Calendar
from coordinator.sweeping.sweeps import SWEEP_AGE_TICKS_MAX, Sweep, newest_of

OVERLAP_DRAWS = 2
"""So many draws after its own a run may have gone by a sweep."""
MISSED_DRAWS_MAX = 120
"""How many missed draws one run makes up for, oldest first; the next one goes on there."""


@dataclass
class MissedDraws:
    """Finds them; reads nothing as long as this process recorded every draw itself."""

    measurements: Measurements
    calendar: Calendar
    partition: Partition = UNDIVIDED
    _next: int = 0
    """No earlier draw is missing."""
    _recorded: set[int] = field(default_factory=set)
    """Draws from `_next` on that this process recorded."""

    def record(self, first: Run) -> None:
        """Takes note of a draw that this process put on record."""
        self._recorded.add(first.draw)

    async def unfinished(
        self, draw: int, book: TrustBook
    ) -> AsyncIterator[tuple[Run, frozenset[str]]]:
        """First records of draws that nobody finishes any more, and whose checks are missing."""
        over = draw - int(LAST_RECORD_S_MAX // self.calendar.check_seconds) - 1
        for left in book.put_off:
            if left.draw >= over:
                continue
            for run in await self.measurements.runs(range(left.draw, left.draw + 1)):
                if run.part == self.partition and not run.is_late:
                    yield run, frozenset(left.node_ids)

    async def before(self, draw: int) -> AsyncIterator[tuple[int, list[Sweep]]]:
        """Missed draws that are over when `draw` begins, each with the sweeps it would go by.

        Draws of a time in which the network rested are none: nobody could be due."""
        # A draw that ended so long ago without a first record was missed.
        over = draw - int(FIRST_RECORD_S_MAX // self.calendar.check_seconds) - 1
        self._pass_recorded()
        if self._next >= over:
            return
        if not self._next:  # later it goes on where it was, whatever has been run since
            latest = await self.measurements.latest_run(over, self.partition)
            if latest is None:
                return
            self._next = latest.draw + 1
        for _ in range(MISSED_DRAWS_MAX):
            missed = self._next
            if missed >= over:
                return
            sweeps = await self._sweeps_before(missed)
            if sweeps:
                yield missed, sweeps
                self._next = max(self._next, missed + 1)  # runs overlap: another may be further
            else:
                self._next = max(self._next, await self._swept_after(missed, over))

    def _pass_recorded(self) -> None:
        while self._next in self._recorded:
            self._next += 1
        self._recorded = {draw for draw in self._recorded if draw > self._next}

    async def sweeps_of(self, draw: int, names: Collection[str]) -> list[Sweep]:
        """The sweeps that a run of that draw went by, its own ones."""
        tick = self.calendar.tick_at(draw * self.calendar.check_seconds)
        ticks = range(tick - SWEEP_AGE_TICKS_MAX, tick + OVERLAP_DRAWS)
        return [sweep for sweep in await self.measurements.sweeps(ticks) if sweep.id in names]

    async def _sweeps_before(self, draw: int) -> list[Sweep]:
        tick = self.calendar.tick_at(draw * self.calendar.check_seconds)
        sweeps = await self.measurements.sweeps(range(tick - SWEEP_AGE_TICKS_MAX, tick))
        return newest_of(sweeps)

    async def _swept_after(self, draw: int, over: int) -> int:
        """The first later draw that a sweep was made before, at most `over`."""
        seconds = self.calendar.check_seconds
        ticks = range(self.calendar.tick_at(draw * seconds), self.calendar.tick_at(over * seconds))
        tick = await self.measurements.first_swept(ticks) if ticks else None
        if tick is None:
            return over
        return min(over, max(draw + 1, -(-(tick + 1) * self.calendar.sweep_seconds // seconds)))
