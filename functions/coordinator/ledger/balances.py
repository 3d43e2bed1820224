"""A stream's tokens: what went in, what is left, and how long that lasts."""

from math import inf
from typing import Any

from pydantic import BaseModel, ConfigDict

from coordinator.documents.codec import Codec
from coordinator.epochs import Calendar
from coordinator.ledger.entries import Entry, EntryKind
from coordinator.ledger.statements import Statement
from coordinator.money import AMOUNT_MICROS_MAX, format_tokens
from coordinator.streams import Stream

_USUAL = Calendar()
NEXT_STATEMENT_S = 1_200
"""So long after its end an epoch is settled at the latest: its grace, and the payout's call."""


class Balance(BaseModel):
    """The money document `balances/{stream_id}`.

    deposited + returned = balance + paid + refunded, always."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stream_id: str
    deposited_micros: int
    balance_micros: int
    paid_micros: int
    next_epoch: int
    """The first epoch that is not settled yet."""
    due_epoch: int | None
    """The same while there is anything to settle; None once the last statement is written."""
    follow_epoch: int | None = None
    """The last settled epoch while the accounts have not followed it; None once they have."""
    returned_micros: int = 0
    """Forfeits of confirmed frauds that came back."""
    refunded_micros: int = 0
    """What went back to the sponsor when the stream had ended."""
    entries: int = 0
    """How many entries there are, so that each has a number."""
    is_closed: bool = False
    """Refunded: takes no deposit any more."""
    waiting_minutes: int = 0
    """Of the last statement: they are paid out of the balance once their checks pass."""
    used_up_s: int | None = None
    """From when on nothing more is earned, if that is known: until the sponsor adds tokens, or an
    epoch's worth is left after all."""

    def spendable_micros(self, now_s: float) -> int:
        """What more can be earned of; what is left beside it is for minutes that wait."""
        is_used_up = self.used_up_s is not None and now_s >= self.used_up_s
        return 0 if is_used_up else self.balance_micros

    def deposited(
        self, kind: EntryKind, micros: int, at_s: float, request: str
    ) -> tuple["Balance", Entry]:
        """With more tokens, and the entry that says so; ValueError beyond a trillion tokens."""
        if self.deposited_micros + micros > AMOUNT_MICROS_MAX:
            raise ValueError(
                f"a stream takes at most {format_tokens(AMOUNT_MICROS_MAX)} tokens in all"
            )
        changed = {
            "deposited_micros": self.deposited_micros + micros,
            "balance_micros": self.balance_micros + micros,
            "used_up_s": None,
        }
        return self._changed(changed, kind, micros, at_s, request=request)

    def settled(
        self, statement: Statement, at_s: float, *, is_last: bool
    ) -> tuple["Balance", list[Entry]]:
        """After a statement, and the entries for what it returned and refunded.

        `is_last`: no further epoch of the stream will be settled."""
        following = statement.epoch + 1
        balance = self.model_copy(
            update={
                "balance_micros": self.balance_micros - statement.paid_micros,
                "paid_micros": self.paid_micros + statement.paid_micros,
                "next_epoch": following,
                "due_epoch": None if is_last else following,
                "follow_epoch": statement.epoch,
            }
        )
        entries = []
        if micros := statement.forfeited_micros:
            changed = {
                "balance_micros": balance.balance_micros + micros,
                "returned_micros": balance.returned_micros + micros,
            }
            balance, entry = balance._changed(
                changed, EntryKind.FORFEIT, micros, at_s, epoch=statement.epoch
            )
            entries.append(entry)
        if statement.closes:
            balance = balance.model_copy(update={"is_closed": True})
        if micros := statement.refunded_micros:
            changed = {
                "balance_micros": balance.balance_micros - micros,
                "refunded_micros": balance.refunded_micros + micros,
            }
            balance, entry = balance._changed(
                changed, EntryKind.REFUND, micros, at_s, epoch=statement.epoch
            )
            entries.append(entry)
        return balance._told(statement), entries

    def _told(self, statement: Statement) -> "Balance":
        """With when it is used up by those whom the statement pays, or who wait to be paid.

        Nodes are told so by then, and leave. Who comes meanwhile takes nothing of that from them.
        What their waiting minutes leave over, if those lapse, calls nobody back: who came for a
        quarter of an hour would serve minutes that no check follows. While nobody is paid, or
        waits to be, nothing changes."""
        waiting = sum(row.minutes_waiting for row in statement.rows)
        nodes = len(statement.counted())
        used_up_s = self.used_up_s
        if nodes:
            left = self.balance_micros - statement.terms.owed_micros(waiting)
            lasts_s = max(0, left) * 3600 // (statement.terms.rate_micros_per_hour * nodes)
            ends_s = statement.ends_s + lasts_s
            is_short = lasts_s < statement.ends_s - statement.starts_s + NEXT_STATEMENT_S
            used_up_s = min(ends_s, self.used_up_s or ends_s) if is_short else None
        return self.model_copy(update={"waiting_minutes": waiting, "used_up_s": used_up_s})

    def _changed(
        self, changed: dict[str, Any], kind: EntryKind, micros: int, at_s: float, **more: Any
    ) -> tuple["Balance", Entry]:
        balance = self.model_copy(update={**changed, "entries": self.entries + 1})
        entry = Entry(
            stream_id=self.stream_id,
            number=balance.entries,
            kind=kind,
            amount_micros=micros,
            at_s=at_s,
            balance_after_micros=balance.balance_micros,
            **more,
        )
        return balance, entry


BALANCES = Codec(Balance, "balances")


def opening_balance(stream: Stream, deposited_micros: int, calendar: Calendar) -> Balance:
    """A new stream's balance: unsettled from the epoch in which it was registered."""
    return Balance(
        stream_id=stream.stream_id,
        deposited_micros=deposited_micros,
        balance_micros=deposited_micros,
        paid_micros=0,
        next_epoch=calendar.epoch_at(stream.created_s),
        due_epoch=calendar.epoch_at(stream.created_s),
        entries=1,
    )


def opening_entry(balance: Balance, at_s: float) -> Entry:
    """The first deposit, as an entry."""
    return Entry(
        stream_id=balance.stream_id,
        number=1,
        kind=EntryKind.DEPOSIT,
        amount_micros=balance.deposited_micros,
        at_s=at_s,
        balance_after_micros=balance.deposited_micros,
    )


def lasts_seconds(
    balance: Balance, stream: Stream, paid_nodes: int, now_s: float, calendar: Calendar
) -> int | None:
    """How long the balance lasts if as many nodes go on earning; None while nobody earns.

    What was earned since the last settled epoch is not in the balance yet, so it is taken off. So
    are minutes of before that wait for their check: else nodes would be told too late that no more
    is left, and the last of what they served were not covered."""
    if not balance.spendable_micros(now_s):
        return 0
    nodes = min(paid_nodes, stream.max_paid_nodes)
    if nodes < 1:
        return None
    unsettled_s = max(0.0, now_s - calendar.epoch_bounds_s(balance.next_epoch)[0])
    whole_s = balance.balance_micros * 3600 // stream.reward_micros_per_hour
    left_s = whole_s - balance.waiting_minutes * calendar.sweep_seconds
    return max(0, left_s // nodes - int(unsettled_s))


def stops_paying_in_s(balance: Balance | None, stream: Stream, now_s: float) -> float:
    """After how long the stream stops paying, as far as that is fixed; else never.

    Closing, and tokens that are used up, take effect at an instant that is told before."""
    told_s = (stream.ends_s, balance.used_up_s if balance else None)
    return min((at_s - now_s for at_s in told_s if at_s and at_s > now_s), default=inf)


def lasts_sentence(seconds: int | None, calendar: Calendar = _USUAL) -> str:
    """`"The balance lasts 3 h 10 min at the present rate."`.

    One that does not reach to the end of the next epoch is said to end: an epoch before it does."""
    if seconds is None:
        return "Nobody earns at present, so the balance does not shrink."
    if seconds == 0:
        return "The balance is used up: no more is earned until the sponsor tops it up."
    says = f"The balance lasts {length_of(seconds)} at the present rate."
    if seconds >= 2 * calendar.epoch_seconds:
        return says
    return f"{says} Then nothing more is earned until the sponsor tops it up."


def length_of(seconds: int) -> str:
    """`"3 h 10 min"`: a length of time in its two largest units."""
    minutes = seconds // 60
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{seconds} s"
