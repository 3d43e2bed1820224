"""Closing epochs: evidence in, one immutable statement out, then the accounts follow."""

from dataclasses import dataclass
from typing import Any

from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log
from coordinator.adapters.records import Ledger, Measurements
from coordinator.checks import Run
from coordinator.epochs import Calendar
from coordinator.statements import Evidence, Statement, Terms, settle
from coordinator.streams import Balance, Stream
from coordinator.uptime import idle_ticks_of, minutes_of

EPOCHS_A_CALL_MAX = 48
"""Work per call is bounded; after an outage the next calls catch up."""


@dataclass
class Settler:
    """Settles what is due, stream by stream, epoch by epoch, in order."""

    measurements: Measurements
    ledger: Ledger
    calendar: Calendar
    holding_epochs: int
    clock: Clock
    log: Log

    async def settle_due(self) -> dict[str, Any]:
        """Settles every epoch that has ended, at most EPOCHS_A_CALL_MAX; again changes nothing."""
        streams = await self.measurements.streams()
        balances = await self.ledger.balances([stream.stream_id for stream in streams])
        settled: list[dict[str, Any]] = []
        for stream, balance in zip(streams, balances, strict=True):
            if balance is None:
                continue  # registered this instant: its first deposit is still being written
            await self._catch_up_accounts(stream, balance)
            for epoch in self._due(stream, balance):
                if len(settled) >= EPOCHS_A_CALL_MAX:
                    return {"settled": settled, "more": True}
                statement = await self._settle(stream, epoch)
                if statement is None:
                    break  # another instance is at it
                settled.append(self._line(statement))
        return {"settled": settled, "more": False}

    def _due(self, stream: Stream, balance: Balance) -> range:
        last = self.calendar.epoch_at(self.clock() - self.calendar.grace_seconds) - 1
        if stream.ends_s is not None:
            last = min(last, self.calendar.epoch_at(stream.ends_s))
        return range(balance.next_epoch, last + 1)

    async def _settle(self, stream: Stream, epoch: int) -> Statement | None:
        ticks = self.calendar.ticks_of(epoch)
        sweeps = await self.measurements.sweep_bits(ticks)
        rosters = await self.measurements.rosters_of(sweeps)
        runs = await self._runs(epoch)
        before = await self.ledger.statement(stream.stream_id, epoch - 1)
        starts_s, ends_s = self.calendar.epoch_bounds_s(epoch)
        idle = idle_ticks_of(stream.stream_id, runs, self.calendar)
        if stream.ends_s is not None:
            idle |= frozenset(range(self.calendar.tick_at(stream.ends_s), ticks.stop))
        minutes = minutes_of(stream.stream_id, ticks, rosters, sweeps, idle)

        def statement_of(balance: Balance) -> Statement:
            return settle(
                Evidence(
                    stream_id=stream.stream_id,
                    epoch=epoch,
                    starts_s=starts_s,
                    ends_s=ends_s,
                    terms=self._terms(stream),
                    balance_micros=balance.balance_micros,
                    minutes=minutes,
                    checks=[
                        check
                        for run in runs
                        for check in run.checks
                        if check.stream_id == stream.stream_id and starts_s <= check.due_s < ends_s
                    ],
                    carried={row.node_id: row.carried for row in before.rows} if before else {},
                )
            )

        statement = await self.ledger.settle(statement_of, (stream.stream_id, epoch))
        if statement is not None:
            await self.ledger.apply(statement, self.holding_epochs)
        return statement

    async def _runs(self, epoch: int) -> list[Run]:
        starts_s, ends_s = self.calendar.epoch_bounds_s(epoch)
        draws = range(self.calendar.draw_at(starts_s), self.calendar.draw_at(ends_s - 1) + 1)
        return await self.measurements.runs(draws)

    async def _catch_up_accounts(self, stream: Stream, balance: Balance) -> None:
        """Applies statements that a crash left between settling and the accounts."""
        accounts = await self.ledger.accounts()
        first = accounts.applied.get(stream.stream_id)
        if first is not None and first >= balance.next_epoch - 1:
            return
        begin = 0 if first is None else first + 1
        for statement in await self.ledger.statements(stream.stream_id, begin, EPOCHS_A_CALL_MAX):
            await self.ledger.apply(statement, self.holding_epochs)

    def _terms(self, stream: Stream) -> Terms:
        return Terms(
            stream.reward_micros_per_hour, stream.max_paid_nodes, self.calendar.sweep_seconds
        )

    def _line(self, statement: Statement) -> dict[str, Any]:
        line: dict[str, Any] = {
            "stream_id": statement.stream_id,
            "epoch": statement.epoch,
            "nodes": len(statement.rows),
            "paid_micros": statement.paid_micros,
            "balance_micros": statement.balance_after_micros,
        }
        self.log("epoch_settled", **line)
        return line
