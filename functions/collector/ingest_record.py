"""What runs read at the ingest, of the draws in which somebody waited: each is read once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from coordinator.adapters.records import Measurements
from coordinator.checking.checks import Run
from coordinator.epochs import HOUR_S, Calendar
from coordinator.sweeping.uptime import IngestTicks, draws_of_tick, ingest_ticks_of


@dataclass
class IngestRecord:
    """Asked when runs are on record; a node that waits for hours costs one read for each."""

    measurements: Measurements
    calendar: Calendar
    _runs: dict[int, list[Run]] = field(default_factory=dict)
    """By draw, without their checks; of two hours."""

    async def runs(self, draws: Iterable[int]) -> list[Run]:
        """Those of these draws."""
        wanted = sorted(set(draws))
        for begins, ends in _rows(draw for draw in wanted if draw not in self._runs):
            self._runs |= {draw: [] for draw in range(begins, ends)}
            for run in await self.measurements.ingest_runs(range(begins, ends)):
                self._runs[run.draw].append(run)
        found = [run for draw in wanted for run in self._runs[draw]]
        oldest = max(self._runs, default=0) - 2 * HOUR_S // self.calendar.check_seconds
        self._runs = {draw: runs for draw, runs in self._runs.items() if draw >= oldest}
        return found

    async def streams(self, waits: Iterable[int], ticks: range) -> Callable[[str], IngestTicks]:
        """How a stream was in those of `ticks` that are named: nobody waited in another."""
        draws = {draw for tick in waits for draw in draws_of_tick(tick, self.calendar)}
        runs = await self.runs(draws)
        return lambda stream_id: ingest_ticks_of(stream_id, runs, self.calendar, ticks)


def _rows(draws: Iterable[int]) -> list[tuple[int, int]]:
    """Unbroken rows of ascending draws: each one's first, and the one behind its last."""
    found: list[tuple[int, int]] = []
    for draw in draws:
        if found and found[-1][1] == draw:
            found[-1] = found[-1][0], draw + 1
        else:
            found.append((draw, draw + 1))
    return found
