"""Reads what an epoch is settled from: measurements once for all streams, statements for each."""

from collections.abc import Mapping
from dataclasses import dataclass

from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.ledger.epoch_records import EpochRecord, draws_of
from coordinator.ledger.published_settings import History, in_force
from coordinator.ledger.settlements import EpochInput
from coordinator.ledger.statements import Statement
from coordinator.streams import Stream
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import Shard


@dataclass
class Gatherer:
    """Measurements of an epoch do not change once it may be settled, so one reading serves."""

    measurements: Measurements
    ledger: Ledger
    history: History
    """What the network is and was set to: an epoch is settled by what was published before it."""
    _read: tuple[EpochRecord, dict[tuple[Shard, int], Roster]] | None = None

    async def epoch_input(self, stream: Stream, epoch: int) -> tuple[EpochInput, EpochRecord]:
        """All that the stream's epoch is settled from, and the record it was taken out of."""
        record, rosters = await self.recorded(epoch)
        before = await self.ledger.statement(stream.stream_id, epoch - 1)
        held = await self._held(stream.stream_id, record, before)
        terms = in_force(self.history, epoch).terms(stream)
        return record.epoch_input(stream, terms, rosters, before, held), record

    async def recorded(self, epoch: int) -> tuple[EpochRecord, dict[tuple[Shard, int], Roster]]:
        """What was measured in an epoch, all streams together; read once."""
        if self._read is None or self._read[0].epoch != epoch:
            self._read = await self._recorded(epoch)
        return self._read

    async def _held(
        self, stream_id: str, record: EpochRecord, before: Statement | None
    ) -> list[Statement]:
        """What the stream still holds of those that lose something, in the rows of these alone."""
        losses = record.losses()
        if before and not before.closes:  # else its statements go on without rows
            known = before.carried()
            losses = {node_id: since for node_id, since in losses.items() if node_id in known}
        if not losses:
            return []
        epoch, calendar = record.epoch, record.calendar
        first = epoch - in_force(self.history, epoch).holding_epochs
        older = range(max(0, first, calendar.epoch_at(min(losses.values()))), epoch - 1)
        lost = {each: _losers(losses, calendar.epoch_bounds_s(each)[1]) for each in older}
        found = await self.ledger.statements_of(stream_id, older, lost)
        return [statement for statement in (*found, before) if statement]

    async def _recorded(self, epoch: int) -> tuple[EpochRecord, dict[tuple[Shard, int], Roster]]:
        calendar = in_force(self.history, epoch).calendar
        ticks = calendar.ticks_of(epoch)
        record = EpochRecord.of(
            epoch,
            calendar,
            calendar.evidence_until_s(epoch),
            await self.measurements.sweep_bits(ticks),
            await self.measurements.runs(draws_of(epoch, calendar)),
        )
        return record, await self.measurements.rosters_of(record.sweeps, ticks)


def _losers(losses: Mapping[str, float], ends_s: int) -> frozenset[str]:
    """Who loses something of an epoch that ends then. Most lose what the last hour paid; of older
    statements few documents are read."""
    return frozenset(node_id for node_id, since_s in losses.items() if since_s < ends_s)
