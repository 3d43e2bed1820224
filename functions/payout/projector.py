"""Writes projections, once an epoch, out of what was read to settle it.

They come after all settling of a call, have a time limit, and when
something fails the log says so and the next call that settles makes up for it.
"""

import asyncio
from dataclasses import dataclass, field

from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.projection_documents import ProjectionWriter
from coordinator.adapters.worker_pool import work_through
from coordinator.ledger.statements import Statement
from coordinator.projections.bucket_epochs import bucket_epochs_of
from coordinator.projections.incidents import incidents_of
from coordinator.projections.money_projection import MoneyProjection
from coordinator.projections.node_buckets import EPOCHS_KEPT, BucketEpoch
from coordinator.projections.stream_projection import hour_of, thumbnail_of
from coordinator.streams import Stream
from payout.gatherer import Gatherer

SECONDS_MAX = 120.0
"""For all projections of a call; Cloud Scheduler waits for 560."""
AT_ONCE = 8
"""Documents under way together: each may have a megabyte."""

Settled = tuple[Stream, Statement]


@dataclass
class Newest:
    """The statements of the last epoch that a call settled; earlier ones would fill the memory."""

    first_epoch: int | None = None
    """Where the call began."""
    epoch: int = -1
    statements: list[Settled] = field(default_factory=list)

    def add(self, stream: Stream, statement: Statement) -> None:
        """Epochs come in order."""
        if statement.epoch != self.epoch:
            self.epoch, self.statements = statement.epoch, []
        self.statements.append((stream, statement))
        self.first_epoch = self.epoch if self.first_epoch is None else self.first_epoch


@dataclass
class Projector:
    """Keeps the projections up with the statements."""

    measurements: Measurements
    ledger: Ledger
    writer: ProjectionWriter
    log: Log
    seconds_max: float = SECONDS_MAX

    async def write(self, gatherer: Gatherer, newest: Newest, money: MoneyProjection) -> bool:
        """Projects what a call settled, and what earlier ones left out. False if that failed.

        `money`: the projection of tokens after it; each projection has an excerpt of it."""
        if not newest.statements:
            return True
        try:
            async with asyncio.timeout(self.seconds_max):
                for epoch in await self._left_out(newest):
                    await self._write(gatherer, epoch, await self._statements(epoch), money)
                await self._write(gatherer, newest.epoch, newest.statements, money)
        except Exception as error:  # whatever it is: tokens have moved, and that is what counts
            self.log.failure(LogEvent.PROJECTIONS_NOT_WRITTEN, error, epoch=newest.epoch)
            return False
        return True

    async def _left_out(self, newest: Newest) -> range:
        """Epochs before the newest without projections, as far back as projections go."""
        through = await self.writer.through_epoch()
        begun = newest.epoch if newest.first_epoch is None else newest.first_epoch
        first = begun if through is None else min(begun, through + 1)
        return range(max(first, newest.epoch - EPOCHS_KEPT + 1), newest.epoch)

    async def _statements(self, epoch: int) -> list[Settled]:
        """Every stream's, read back."""
        found = []
        for stream in await self.measurements.streams():
            statement = await self.ledger.statement(stream.stream_id, epoch)
            if statement:
                found.append((stream, statement))
        return found

    async def _write(
        self, gatherer: Gatherer, epoch: int, settled: list[Settled], money: MoneyProjection
    ) -> None:
        if not settled:
            return
        record, rosters = await gatherer.recorded(epoch)
        bucket_epochs = bucket_epochs_of(record, rosters, settled)

        async def add(in_bucket: tuple[int, BucketEpoch]) -> None:
            await self.writer.add_epoch(*in_bucket, money)

        await work_through(sorted(bucket_epochs.items()), add, at_once=AT_ONCE)
        checks = record.checks()
        for stream, statement in settled:
            mine = [check for check in checks if check.stream_id == stream.stream_id]
            hour, picture = hour_of(statement, mine), thumbnail_of(mine)
            nodes = [row.node_id for row in statement.rows]
            await self.writer.add_hour(stream.stream_id, hour, picture, money, nodes)
        # Last, because it says that the epoch's projections are there.
        incidents = incidents_of(record, bucket_epochs.values(), settled)
        await self.writer.add_incidents(epoch, incidents)
