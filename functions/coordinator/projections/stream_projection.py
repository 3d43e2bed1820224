"""What the page of a stream is made of: the document `projections/stream-{stream_id}`.

A projection of the stream's statements and checks, never a source: it says through which epoch.
Payout writes it; so does api, when the stream or its balance was changed there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from coordinator.checking.checks import Check, Verdict
from coordinator.documents.codec import Codec
from coordinator.documents.columns import Table
from coordinator.ledger.statements import Statement
from coordinator.projections.money_projection import MoneyProjection
from coordinator.reasons import Reason

HOURS_KEPT = 168
"""A week of hourly epochs."""


@dataclass(frozen=True, slots=True)
class StreamHour:
    """One settled epoch of a stream."""

    epoch: int
    starts_s: int
    ends_s: int
    minute_seconds: int
    nodes_paid: int
    minutes_paid: int
    unpaid: Mapping[Reason, int]
    """Node-minutes that cost nothing, the most first."""
    paid_micros: int
    forfeited_micros: int
    refunded_micros: int
    balance_before_micros: int
    balance_after_micros: int
    checks: Mapping[Verdict, int]

    @property
    def minutes_voided(self) -> int:
        """Claimed, and failed their check."""
        voided = (Reason.VOIDED, Reason.SUSPENDED, Reason.FRAUD)
        return sum(self.unpaid.get(reason, 0) for reason in voided)

    @property
    def returned_micros(self) -> int:
        """What came back, to the balance or to the sponsor."""
        return self.forfeited_micros + self.refunded_micros


@dataclass(frozen=True, slots=True)
class StreamProjection:
    """A stream's last epochs."""

    hours: Annotated[tuple[StreamHour, ...], Table()] = ()
    """Newest first, at most HOURS_KEPT."""
    thumbnail: str | None = None
    """A picture that a passed check took lately."""
    money: MoneyProjection | None = None
    """The stream, its balance and its nodes' tokens; None before they were shown first."""

    @property
    def through_s(self) -> int | None:
        """Up to when it tells everything."""
        return self.hours[0].ends_s if self.hours else None

    def adding(self, hour: StreamHour, thumbnail: str | None) -> "StreamProjection":
        """With one more epoch; with the same one again it stays as it is."""
        hours = {each.epoch: each for each in (*self.hours, hour)}
        newest_first = sorted(hours.values(), key=lambda each: -each.epoch)[:HOURS_KEPT]
        return replace(self, hours=tuple(newest_first), thumbnail=thumbnail or self.thumbnail)

    def showing(
        self, stream_id: str, money: MoneyProjection, nodes: Iterable[str] = ()
    ) -> "StreamProjection":
        """With the stream as it is now, and what its nodes have: these and those known before.

        An excerpt of a newer projection stays."""
        known = self.money or MoneyProjection()
        if known.written_s > money.written_s:
            return self
        return replace(self, money=money.excerpt([stream_id], {*nodes, *known.tokens}))


STREAM_PROJECTIONS = Codec(StreamProjection, "projections/stream")


def hour_of(statement: Statement, checks: Iterable[Check]) -> StreamHour:
    """A statement and the checks of its stream in its epoch, without anybody's own row."""
    unpaid: dict[Reason, int] = {}
    for row in statement.rows:
        for reason, minutes in row.unpaid:
            unpaid[reason] = unpaid.get(reason, 0) + minutes
    verdicts = [check.verdict for check in checks]
    return StreamHour(
        epoch=statement.epoch,
        starts_s=statement.starts_s,
        ends_s=statement.ends_s,
        minute_seconds=statement.terms.minute_seconds,
        nodes_paid=sum(1 for row in statement.rows if row.earned_micros),
        minutes_paid=sum(row.minutes_paid for row in statement.rows),
        unpaid=dict(sorted(unpaid.items(), key=lambda item: (-item[1], item[0]))),
        paid_micros=statement.paid_micros,
        forfeited_micros=statement.forfeited_micros,
        refunded_micros=statement.refunded_micros,
        balance_before_micros=statement.balance_before_micros,
        balance_after_micros=statement.balance_after_micros,
        checks={verdict: n for verdict in Verdict if (n := verdicts.count(verdict))},
    )


def thumbnail_of(checks: Iterable[Check]) -> str | None:
    """The picture of the last passed check that has one."""
    passed = (check for check in checks if check.verdict is Verdict.PASS and check.thumbnail)
    latest = max(passed, key=lambda check: check.due_s, default=None)
    return latest.thumbnail if latest else None
