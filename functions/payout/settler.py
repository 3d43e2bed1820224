"""Closing epochs: evidence in, one immutable statement out, then the accounts follow."""

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from coordinator.adapters.clock import Clock, steady
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.materialiser import Materialiser
from coordinator.adapters.store.protocol import StoreError
from coordinator.epochs import Calendar
from coordinator.ledger.published_settings import (
    CHECKS_PER_HOUR,
    History,
    PublishedSettings,
    in_force,
)
from coordinator.ledger.settlements import draft
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import UNKNOWN_MINUTES_MAX
from coordinator.streams import Stream
from payout.gatherer import Gatherer
from payout.projector import Newest, Projector

EPOCHS_A_CALL_MAX = 240
"""Work per call is bounded; after an outage the next calls catch up. As many streams as may be
registered are settled within an hour of calls."""
SECONDS_MAX = 240.0
"""After it no other epoch is begun; one of ten thousand nodes takes some seconds."""
STATEMENTS_A_PAGE = 8


@dataclass
class Settler:
    """Settles what is due, longest overdue first, each stream's epochs in order."""

    measurements: Measurements
    ledger: Ledger
    calendar: Calendar
    holding_epochs: int
    clock: Clock
    log: Log
    network_percent: int = 20
    projector: Projector | None = None
    """Without one no projections of nodes and streams are written."""
    checks_per_hour: int = CHECKS_PER_HOUR
    """Only published, beside all that epochs are settled by."""
    unknown_minutes_max: int = UNKNOWN_MINUTES_MAX
    _materialiser: Materialiser = field(init=False)

    def __post_init__(self) -> None:
        self._materialiser = Materialiser(self.measurements, self.ledger, self.clock)

    async def settle_due(self) -> dict[str, Any]:
        """Settles every epoch that has ended, as far as a call goes; again changes nothing.

        First the settings are published, if they have changed: nothing is settled by others.
        Work in order of epochs lets all streams of one share the reading of its evidence. Then
        projections are told what came of it."""
        gatherer = Gatherer(self.measurements, self.ledger, await self._published())
        newest = Newest()
        summary = await self._settle_due(gatherer, newest)
        await self._show(gatherer, newest, {line["stream_id"] for line in summary["settled"]})
        return summary

    async def _published(self) -> History:
        """The history of settings, with those of this deployment."""
        wanted = PublishedSettings.of(
            self.calendar,
            self.holding_epochs,
            self.network_percent,
            self.checks_per_hour,
            self.unknown_minutes_max,
        )
        return await self.ledger.settings.publish(wanted, self.clock())

    async def _show(self, gatherer: Gatherer, newest: Newest, settled: set[str]) -> None:
        """Writes what people see of these streams, and of what an earlier call failed to show."""
        try:
            money = await self._materialiser.catch_up(settled)
        except StoreError:
            raise
        except Exception as error:  # tokens have moved, and that is what counts
            self.log.failure(LogEvent.TOKENS_NOT_SHOWN, error)
            return
        if self.projector:
            await self.projector.write(gatherer, newest, money)

    async def _settle_due(self, gatherer: Gatherer, newest: Newest) -> dict[str, Any]:
        settled: list[dict[str, Any]] = []
        failed: set[str] = set()
        for stream_id in await self.ledger.behind():
            with self._set_aside(stream_id, failed):
                await self._follow(stream_id)
        now_s = self.clock()
        until = self.calendar.epoch_at(now_s - self.calendar.grace_seconds)
        due = await self.ledger.due(until)
        streams: dict[str, Stream] = {}
        queue = [(b.next_epoch, b.stream_id) for b in due if b.stream_id not in failed]
        heapq.heapify(queue)
        now, until_s = steady(self.clock), steady(self.clock)() + SECONDS_MAX
        while queue and len(settled) < EPOCHS_A_CALL_MAX and now() < until_s:
            epoch, stream_id = heapq.heappop(queue)
            if now_s < in_force(gatherer.history, epoch).calendar.settled_s(epoch):
                continue  # it began under a longer grace
            stream = streams.get(stream_id) or await self.measurements.stream(stream_id)
            if stream is None:
                failed.add(stream_id)
                self.log(LogEvent.STREAM_MISSING, severity="ERROR", stream_id=stream_id)
                continue
            streams[stream_id], done = stream, None
            with self._set_aside(stream_id, failed):
                done = await self._settle(gatherer, stream, epoch)
            if done is None:
                continue  # another instance is at it, or it was set aside
            statement, line = done
            newest.add(stream, statement)
            settled.append(line)
            if epoch + 1 < until and not self._is_last(gatherer.history, stream, epoch):
                heapq.heappush(queue, (epoch + 1, stream_id))
        return {"settled": settled, "failed": sorted(failed), "more": bool(queue)}

    @contextmanager
    def _set_aside(self, stream_id: str, failed: set[str]) -> Iterator[None]:
        """Whatever is wrong with one stream's documents, the others' nodes are paid.

        A store that does not answer is nothing of the kind: the next call tries all again."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:  # somebody has to look at it
            failed.add(stream_id)
            self.log.failure(LogEvent.STREAM_NOT_SETTLED, error, stream_id=stream_id)

    async def _settle(
        self, gatherer: Gatherer, stream: Stream, epoch: int
    ) -> tuple[Statement, dict[str, Any]] | None:
        given, record = await gatherer.epoch_input(stream, epoch)
        last = self._is_last(gatherer.history, stream, epoch)
        statement = await self.ledger.settle(draft(given), self.clock(), is_last=last)
        if statement is None:
            return None
        await self._follow(stream.stream_id, statement)
        return statement, self._line(statement, record.late)

    async def _follow(self, stream_id: str, settled: Statement | None = None) -> None:
        """Brings the accounts up to the statements, those that a crash left behind included."""
        while not await self.ledger.follow(stream_id, STATEMENTS_A_PAGE, settled):
            pass

    def _is_last(self, history: History, stream: Stream, epoch: int) -> bool:
        """Whether no later epoch can hold anything for the stream.

        Earnings of its last epoch are held for `holding_epochs` more; each of those is settled,
        so that a fraud confirmed meanwhile still loses them."""
        if stream.ends_s is None:
            return False
        last = self.calendar.last_epoch(stream.ends_s)
        held = max(in_force(history, one).holding_epochs for one in (last, epoch))
        return epoch >= last + held

    def _line(self, statement: Statement, late: int) -> dict[str, Any]:
        line: dict[str, Any] = {
            "stream_id": statement.stream_id,
            "epoch": statement.epoch,
            "nodes": len(statement.rows),
            "paid_micros": statement.paid_micros,
            "forfeited_micros": statement.forfeited_micros,
            "refunded_micros": statement.refunded_micros,
            "balance_micros": statement.balance_after_micros,
            "late_documents_ignored": late,
        }
        self.log(LogEvent.EPOCH_SETTLED, **line)
        return line
