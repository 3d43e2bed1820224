"""Reads what an epoch is settled from: measurements once for all streams, statements for each."""

from dataclasses import dataclass

from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.epochs import Calendar
from coordinator.ledger.epoch_records import EpochRecord, draws_of
from coordinator.ledger.settlements import EpochInput
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.streams import Stream
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import Shard


@dataclass
class Gatherer:
    """Measurements of an epoch do not change once it may be settled, so one reading serves."""

    measurements: Measurements
    ledger: Ledger
    calendar: Calendar
    holding_epochs: int
    network_percent: int
    _read: tuple[EpochRecord, dict[tuple[Shard, int], Roster]] | None = None

    async def epoch_input(self, stream: Stream, epoch: int) -> tuple[EpochInput, EpochRecord]:
        """All that the stream's epoch is settled from, and the record it was taken out of."""
        record, rosters = await self.recorded(epoch)
        before = await self.ledger.statement(stream.stream_id, epoch - 1)
        held = await self._held(stream.stream_id, epoch) if record.frauds() else []
        return record.epoch_input(stream, self._terms(stream), rosters, before, held), record

    async def recorded(self, epoch: int) -> tuple[EpochRecord, dict[tuple[Shard, int], Roster]]:
        """What was measured in an epoch, all streams together; read once."""
        if self._read is None or self._read[0].epoch != epoch:
            self._read = await self._recorded(epoch)
        return self._read

    def _terms(self, stream: Stream) -> Terms:
        return Terms(
            stream.reward_micros_per_hour,
            stream.max_paid_nodes,
            self.calendar.sweep_seconds,
            self.holding_epochs,
            self.network_percent,
        )

    async def _held(self, stream_id: str, epoch: int) -> list[Statement]:
        epochs = range(max(0, epoch - self.holding_epochs), epoch)
        found = await self.ledger.statements_of(stream_id, epochs)
        return [statement for statement in found if statement]

    async def _recorded(self, epoch: int) -> tuple[EpochRecord, dict[tuple[Shard, int], Roster]]:
        ticks = self.calendar.ticks_of(epoch)
        record = EpochRecord.of(
            epoch,
            self.calendar,
            self.calendar.evidence_until_s(epoch),
            await self.measurements.sweep_bits(ticks),
            await self.measurements.runs(draws_of(epoch, self.calendar)),
        )
        return record, await self.measurements.rosters_of(record.sweeps, ticks)
