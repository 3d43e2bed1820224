"""Writing a shard's document after its sweep. A document that cannot be written costs no sweep."""

from dataclasses import dataclass, field

from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.records import Measurements
from coordinator.epochs import Calendar
from coordinator.projections.history import HOURS, History, NodeHistory, away_since
from coordinator.projections.network_document import NetworkDocument, ProjectionInput
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import Sweep


@dataclass
class NetworkProjector:
    """Goes on from the document of the sweep before: its own, or the one that was written."""

    measurements: Measurements
    calendar: Calendar
    clock: Clock
    log: Log
    _documents: dict[Shard, NetworkDocument] = field(default_factory=dict)
    """What this instance wrote last."""

    async def before(self, shard: Shard, tick: int) -> NetworkDocument | None:
        """The document to go on from; None if it could not be read, and none is to be written."""
        own = self._documents.pop(shard, None)
        if own is not None and own.tick == tick - 1:
            return own
        try:
            document = await self.measurements.network_document(shard.number)
            if document is not None and document.shard == shard:
                return document
            found = await self.measurements.network_documents()
        except Exception as error:  # whatever it is: no document is worth a sweep
            self.log.failure(LogEvent.PROJECTION_NOT_READ, error, shard=shard.number)
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
        """Writes the document after a sweep; `rolled`: the hours before this one are rolled up."""
        if before is None:
            return
        try:
            book = await self.measurements.trust()
            given = ProjectionInput(
                book,
                await self._history(before.history, sweep, roster) if rolled else None,
                swept_seconds,
            )
            document = before.following(sweep, roster, given)
            await self.measurements.put_network_document(document)
        except Exception as error:  # likewise; the next sweep tries again
            self.log.failure(LogEvent.PROJECTION_NOT_WRITTEN, error, shard=sweep.shard.number)
            return
        self._documents[sweep.shard] = document

    def _first(self, shard: Shard, tick: int, found: list[NetworkDocument]) -> NetworkDocument:
        """A shard's first document: it has the past that those before SHARDS was changed show."""
        hour = self.calendar.hour_of(tick) - (0 if found else HOURS)
        past: dict[str, NodeHistory] = {}
        pictures: dict[str, str] = {}
        for document in found:
            past |= document.history.skipped_to(hour).nodes
            pictures |= document.thumbnails
        return NetworkDocument(shard, 0, history=History(hour, past), thumbnails=pictures)

    async def _history(self, history: History, sweep: Sweep, roster: Roster) -> History:
        """With the hours that have ended since, each read once by whoever shows it first."""
        hour = self.calendar.hour_of(sweep.tick)
        if history.until_hour >= hour:
            return history
        history = history.skipped_to(max(history.until_hour, hour - HOURS))
        hours = range(history.until_hour, hour)
        kept = {slot.node_id for slot in roster.slots}
        rollups = await self.measurements.rollups_of(sweep.shard, hours)
        for each, rollup in zip(hours, rollups, strict=True):
            returned = self._returned_in(each, roster)
            history = history.after(rollup.nodes if rollup else {}, kept, returned)
        return history

    def _returned_in(self, hour: int, roster: Roster) -> dict[str, NodeHistory]:
        """How nodes were away that joined in an hour, and had been heard of before it."""
        ticks = self.calendar.ticks_of_hour(hour)
        found = {}
        for slot in roster.slots:
            first_hour = self.calendar.hour_of(slot.first_seen_tick)
            if slot.joined_tick in ticks and first_hour < hour:
                found[slot.node_id] = away_since(first_hour, hour, len(ticks))
        return found
