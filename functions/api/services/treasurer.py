"""Tokens in and out of a running stream: top-ups, and closing with a refund."""

from collections.abc import Callable
from dataclasses import dataclass

from api.http.problems import Problem, ProblemKind
from api.wire.common import timestamp
from api.wire.money import ClosedOut, EntryOut, TopUpIn, TopUpOut
from coordinator.adapters.clock import Clock
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger, StreamClosedError
from coordinator.epochs import Calendar
from coordinator.keys import sha256_hex
from coordinator.ledger.entries import Entry
from coordinator.money import format_tokens, parse_tokens
from coordinator.streams import Stream


@dataclass(frozen=True)
class Treasurer:
    """Moves tokens for a stream's own sponsor, whom the route has asked for the key."""

    measurements: Measurements
    ledger: Ledger
    calendar: Calendar
    clock: Clock
    random_bytes: Callable[[int], bytes]

    async def top_up(self, stream: Stream, asked: TopUpIn, idempotency_key: str | None) -> TopUpOut:
        """Adds tokens, once for each Idempotency-Key."""
        now_s, micros = self.clock(), parse_tokens(asked.amount)
        has_ended = stream.ends_s is not None and now_s >= stream.ends_s
        key = idempotency_key
        request = sha256_hex(key)[:32] if key is not None else self.random_bytes(16).hex()
        try:
            done = await self.ledger.top_up(
                stream.stream_id, micros, now_s, request, has_ended=has_ended
            )
        except StreamClosedError:
            raise _closed(stream) from None
        except ValueError as error:
            raise Problem(ProblemKind.TOO_MANY_TOKENS, f"amount: {error}.") from None
        if done is None:
            raise Problem(
                ProblemKind.UNAVAILABLE, "The stream's first deposit is still being written."
            )
        balance, entry = done
        if entry.amount_micros != micros:
            raise Problem(
                ProblemKind.IDEMPOTENCY_CONFLICT,
                f"This Idempotency-Key stands for a deposit of "
                f"{format_tokens(entry.amount_micros)}; use a new key for another one.",
            )
        return TopUpOut(
            stream_id=stream.stream_id,
            entry=entry_out(entry),
            balance=format_tokens(balance.balance_micros),
            deposited=format_tokens(balance.deposited_micros),
        )

    async def close(self, stream: Stream) -> ClosedOut:
        """Ends the stream with the next epoch; one that ends sooner stays as it is. Nothing is
        refunded before the last minutes are settled, so nobody's earnings can be refunded."""
        ends_s = float(self.calendar.ends_s(self.clock()))
        ended = await self.measurements.end_stream(stream.stream_id, ends_s)
        if ended is None or ended.ends_s is None:
            raise Problem(ProblemKind.UNAVAILABLE, "The stream could not be closed; try again.")
        epoch = self.calendar.last_epoch(ended.ends_s)
        (balance,) = await self.ledger.balances([stream.stream_id])
        refund_s = self.calendar.epoch_bounds_s(epoch)[1] + self.calendar.grace_seconds
        return ClosedOut(
            stream_id=stream.stream_id,
            ends_at=timestamp(ended.ends_s),
            balance=format_tokens(balance.balance_micros if balance else 0),
            refund_epoch=epoch,
            refund_after=timestamp(refund_s),
            says="Until ends_at it pays as before. What the last statement leaves is refunded.",
        )


def entry_out(entry: Entry) -> EntryOut:
    """An entry as anyone may see it."""
    return EntryOut(
        number=entry.number,
        kind=entry.kind,
        amount=format_tokens(entry.amount_micros),
        at=timestamp(entry.at_s),
        epoch=entry.epoch,
        balance_after=format_tokens(entry.balance_after_micros),
    )


def _closed(stream: Stream) -> Problem:
    return Problem(
        ProblemKind.STREAM_CLOSED, f"{stream.stream_id} has ended; register a new stream."
    )
