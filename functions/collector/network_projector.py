"""Writing a shard's page after its sweep. A page that cannot be written costs no sweep."""

from dataclasses import dataclass, field

from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.records import Measurements
from coordinator.epochs import Calendar
from coordinator.projections.history import HOURS, History, NodeHistory
from coordinator.projections.network_document import NetworkDocument, ProjectionInput
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import Sweep


@dataclass
class NetworkProjector:
    """Goes on from the page of the sweep before: its own, or the one that was written."""

    measurements: Measurements
    calendar: Calendar
    clock: Clock
    log: Log
    _pages: dict[Shard, NetworkDocument] = field(default_factory=dict)
    """What this instance wrote last."""

    async def before(self, shard: Shard, tick: int) -> NetworkDocument | None:
        """The page to go on from; None if it could not be read, and none is to be written."""
        own = self._pages.pop(shard, None)
        if own is not None and own.tick == tick - 1:
            return own
        try:
            page = await self.measurements.network_page(shard.number)
            if page is not None and page.shard == shard:
                return page
            found = await self.measurements.network_pages()
        except Exception as error:  # whatever it is: no page is worth a sweep
            self.log.failure(LogEvent.PAGE_NOT_READ, error, shard=shard.number)
            return None
        return self._first(shard, tick, found)

    async def publish(
        self,
        before: NetworkDocument | None,
        sweep: Sweep,
        roster: Roster,
        swept_seconds: float,
        *,
        rolled: bool,
    ) -> None:
        """Writes the page after a sweep; `rolled`: the hours before this one are rolled up."""
        if before is None:
            return
        try:
            book = await self.measurements.trust()
            news = ProjectionInput(
                book,
                await self._history(before.history, sweep, roster) if rolled else None,
                swept_seconds,
            )
            page = before.following(sweep, roster, news)
            await self.measurements.put_network_page(page)
        except Exception as error:  # likewise; the next sweep tries again
            self.log.failure(LogEvent.PAGE_NOT_WRITTEN, error, shard=sweep.shard.number)
            return
        self._pages[sweep.shard] = page

    def _first(self, shard: Shard, tick: int, found: list[NetworkDocument]) -> NetworkDocument:
        """A shard's first page: with what the pages before SHARDS was changed show of the past."""
        hour = self.calendar.hour_of(tick) - (0 if found else HOURS)
        past: dict[str, NodeHistory] = {}
        pictures: dict[str, str] = {}
        for page in found:
            past |= page.history.skipped_to(hour).nodes
            pictures |= page.thumbnails
        return NetworkDocument(shard, 0, history=History(hour, past), thumbnails=pictures)

    async def _history(self, history: History, sweep: Sweep, roster: Roster) -> History:
        """With the hours that have ended since, each read once by whoever shows it first."""
        hour = self.calendar.hour_of(sweep.tick)
        if history.until_hour >= hour:
            return history
        history = history.skipped_to(max(history.until_hour, hour - HOURS))
        hours = range(history.until_hour, hour)
        kept = {slot.node_id for slot in roster.slots}
        for rollup in await self.measurements.rollups_of(sweep.shard, hours):
            history = history.after(rollup.nodes if rollup else {}, kept)
        return history
