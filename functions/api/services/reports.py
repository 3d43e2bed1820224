"""Two statements in plain view: what a sponsor's tokens bought, what a node was paid and why."""

from dataclasses import dataclass

from api.http.problems import Problem, ProblemKind
from api.services.row_tokens import row_token, statement_token
from api.services.snapshots import Snapshots
from api.services.treasurer import entry_out
from api.services.views import row_out, statement_out
from api.wire.common import timestamp
from api.wire.money import DeliveryOut, HourOut, ReceiptLineOut, ReceiptOut, ReleaseOut
from api.wire.statements import StatementOut, StatementsOut, UnpaidOut
from coordinator.adapters.clock import Clock
from coordinator.adapters.records.ledger import ENTRIES_PAGE_MAX, Ledger
from coordinator.adapters.records.statement_pages import RowPlace
from coordinator.epochs import Calendar
from coordinator.ledger.accounts import Account
from coordinator.ledger.balances import lasts_sentence
from coordinator.ledger.statements import Statement, Summary
from coordinator.money import format_tokens
from coordinator.streams import Stream

ROWS_PAGE_MAX = 600
"""Of half a kilobyte each, or more than one with several reasons for unpaid minutes: an answer has
less than a megabyte, and takes some hundredths of a second to make."""


@dataclass(frozen=True)
class Reports:
    """Reads the ledger for people."""

    ledger: Ledger
    snapshots: Snapshots
    calendar: Calendar
    clock: Clock

    async def delivery(self, stream: Stream, from_epoch: int, size: int) -> DeliveryOut:
        """A stream's tokens, hour by hour, from an epoch on."""
        (balance,) = await self.ledger.balances([stream.stream_id])
        if balance is None:
            raise Problem(
                ProblemKind.UNAVAILABLE, "The stream's first deposit is still being written."
            )
        now_s = self.clock()
        found = await self.ledger.summaries(stream.stream_id, from_epoch, size + 1)
        oldest = max(1, balance.entries - ENTRIES_PAGE_MAX + 1)
        entries = await self.ledger.entries(stream.stream_id, oldest)
        snapshot = await self.snapshots.swept()
        lasts = snapshot.balance_lasts_seconds(stream, now_s, self.calendar)
        settled_s = self.calendar.epoch_bounds_s(balance.next_epoch)[0]
        return DeliveryOut(
            stream_id=stream.stream_id,
            deposited=format_tokens(balance.deposited_micros),
            returned=format_tokens(balance.returned_micros),
            paid=format_tokens(balance.paid_micros),
            refunded=format_tokens(balance.refunded_micros),
            balance=format_tokens(balance.balance_micros),
            balance_lasts_seconds=lasts,
            balance_says=lasts_sentence(lasts, self.calendar),
            used_up_at=_used_up_at(now_s, lasts),
            settled_until=timestamp(settled_s),
            hours=[_hour_out(summary) for summary in found[:size]],
            entries=[entry_out(entry) for entry in entries],
            next_page_token=str(found[size].epoch) if len(found) > size else None,
        )

    async def statements(self, stream_id: str, begin: RowPlace, size: int) -> StatementsOut:
        """A stream's statements from a place on, as many as fit; the last may go on behind it."""
        page = await self.ledger.pages.page(stream_id, begin, size, ROWS_PAGE_MAX)
        following = page.following
        told = [statement_out(statement) for statement in page.statements]
        if following and told and told[-1].epoch == following.epoch:
            told[-1].next_row_token = row_token(following)
        return StatementsOut(
            statements=told,
            next_page_token=statement_token(following) if following else None,
        )

    async def statement(self, stream_id: str, begin: RowPlace) -> StatementOut:
        """One statement, from a row on."""
        found = await self.ledger.pages.one(stream_id, begin, ROWS_PAGE_MAX)
        if found is None:
            says = f"Epoch {begin.epoch} of {stream_id} is not settled."
            raise Problem(ProblemKind.UNKNOWN_STATEMENT, says)
        statement, following = found
        told = statement_out(statement)
        told.next_row_token = row_token(following) if following else None
        return told

    async def receipt(self, node_id: str, before_epoch: int, size: int) -> ReceiptOut:
        """A node's epochs before one, newest first, with every minute's reason."""
        account = (await self.ledger.accounts()).nodes.get(node_id)
        known = node_id in (await self.snapshots.swept()).network.nodes
        if account is None and not known:
            raise Problem(ProblemKind.UNKNOWN_NODE, f"No node is called {node_id}.")
        account = account or Account()
        lines, from_epoch = await self._lines(node_id, account, before_epoch, size)
        page, token = _page_of(lines, size)
        if token is None and from_epoch is not None:
            token = str(from_epoch)
        return ReceiptOut(
            node_id=node_id,
            earned=format_tokens(account.earned_micros),
            pending=format_tokens(account.pending_micros),
            available=format_tokens(account.available_micros),
            forfeited=format_tokens(account.forfeited_micros),
            next_release=self._next_release(account),
            epochs=page,
            next_page_token=token,
        )

    async def _lines(
        self, node_id: str, account: Account, before_epoch: int, size: int
    ) -> tuple[list[ReceiptLineOut], int | None]:
        """(what the `size` epochs before one hold, newest first; their first, if there are more).

        The latest epochs in which the node can have a row: where it was away, they are empty."""
        services = {
            stream_id: range(service.first_epoch, min(service.last_epoch + 1, before_epoch))
            for stream_id, service in account.services.items()
            if service.first_epoch < before_epoch
        }
        start = max((epochs.stop for epochs in services.values()), default=0) - size
        lines = []
        for stream_id, epochs in services.items():
            looked_at = range(max(start, epochs.start), epochs.stop)
            found = await self.ledger.statements_of(
                stream_id, looked_at, {epoch: {node_id} for epoch in looked_at}
            )
            lines += [
                _line_out(statement, node_id)
                for statement in found
                if statement and any(row.node_id == node_id for row in statement.rows)
            ]
        is_more = any(epochs.start < start for epochs in services.values())
        in_order = sorted(lines, key=lambda line: (-line.epoch, line.stream_id))
        return in_order, start if is_more else None

    def _next_release(self, account: Account) -> ReleaseOut | None:
        if account.next_release is None:
            return None
        epoch, micros = account.next_release
        at_s = self.calendar.settled_s(epoch)
        return ReleaseOut(at=timestamp(at_s), amount=format_tokens(micros))


def _page_of(lines: list[ReceiptLineOut], size: int) -> tuple[list[ReceiptLineOut], str | None]:
    """(the first lines, where the next page begins); an epoch is never cut in two.

    A node has a line for each stream that it served in an epoch: more than a page of them would
    be cut after all."""
    if len(lines) <= size:
        return lines, None
    following = lines[size].epoch
    whole = [line for line in lines[:size] if line.epoch > following]
    return (whole, str(following + 1)) if whole else (lines[:size], str(following))


def _used_up_at(now_s: float, lasts: int | None) -> str | None:
    horizon_s = 100 * 365 * 86_400  # beyond it a date says nothing, and would not be one
    return None if lasts is None or lasts > horizon_s else timestamp(int(now_s) + lasts)


def _hour_out(summary: Summary) -> HourOut:
    return HourOut(
        epoch=summary.epoch,
        starts_at=timestamp(summary.starts_s),
        ends_at=timestamp(summary.ends_s),
        nodes_paid=summary.nodes_paid,
        node_minutes_paid=summary.minutes_paid,
        paid=format_tokens(summary.paid_micros),
        unpaid=[
            UnpaidOut(reason=why.value, minutes=minutes, says=why.says)
            for why, minutes in sorted(summary.unpaid.items())
        ],
        forfeited=format_tokens(summary.forfeited_micros),
        refunded=format_tokens(summary.refunded_micros),
        balance_after=format_tokens(summary.balance_after_micros),
    )


def _line_out(statement: Statement, node_id: str) -> ReceiptLineOut:
    (row,) = (row for row in statement.rows if row.node_id == node_id)
    return ReceiptLineOut(
        stream_id=statement.stream_id,
        epoch=statement.epoch,
        starts_at=timestamp(statement.starts_s),
        ends_at=timestamp(statement.ends_s),
        minute_seconds=statement.terms.minute_seconds,
        reward_per_node_hour=format_tokens(statement.terms.rate_micros_per_hour),
        available_with_epoch=statement.epoch + statement.terms.holding_epochs,
        row=row_out(row),
    )
