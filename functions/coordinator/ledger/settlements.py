"""Settling one epoch of one stream: from published evidence to a row per node. Pure.

The rule (docs/adr/0003): a minute up is paid when the next check that follows it passes, from
the node's first passed check on. A failed check voids every minute since the check before it.
Minutes after the last check of an epoch wait, and are carried into the next statement: nothing
is ever paid first and clawed back later. Minutes of a flagged node are parked until retests clear
it (paid) or confirm it (returned). Minutes that no check can follow any more lapse.

Two steps: `draft` decides minutes and does not know the balance, so it is made once;
`Draft.paid_from` turns them into money, and may be repeated when another writer was faster.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from coordinator.checking.checks import Check, TrustChange
from coordinator.ledger.minute_decisions import MinuteDecisions
from coordinator.ledger.paid_places import Earner, unpaid_of
from coordinator.ledger.rows import Carried, Row
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.ledger.unpaid import in_order, most_telling
from coordinator.money import share_out
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes

ABSENT_EPOCHS_MAX = 24
"""So long a node that left is remembered: its first passed check, its flag."""


@dataclass(frozen=True, slots=True)
class EpochInput:
    """Everything that the minutes of an epoch of a stream depend on; all of it is public."""

    stream_id: str
    epoch: int
    starts_s: int
    ends_s: int
    terms: Terms
    minutes: Mapping[str, Minutes]
    """By node id."""
    checks: Sequence[Check]
    """Of this stream, due within the epoch, in any order."""
    carried: Mapping[str, Carried] = field(default_factory=dict)
    """By node id, from the statement before."""
    frauds: frozenset[str] = frozenset()
    """Nodes confirmed as frauds in the epoch, by checks of any stream: see `confirmed_in`."""
    forfeits: Mapping[str, int] = field(default_factory=dict)
    """What of this stream's micros the frauds have still pending: see `pending_of`."""
    closes: bool = False
    """The stream has ended by the end of the epoch: what is left goes back to the sponsor."""
    check_seconds: int = 60
    evidence_until_s: float = 0.0
    roster_ids: tuple[str, ...] = ()
    """These three are only handed on to the statement: to recompute it takes them."""
    elsewhere: Sequence[Check] = ()
    """Of other streams: those that flagged, cleared or suspended a node, whose trust is one."""


def confirmed_in(checks: Iterable[Check]) -> frozenset[str]:
    """Nodes that the checks, of whatever stream, confirmed as frauds."""
    return frozenset(check.node_id for check in checks if check.event is TrustChange.CONFIRMED)


@dataclass(frozen=True, slots=True)
class Draft:
    """An epoch with every minute decided and nothing paid yet."""

    given: EpochInput
    rows: tuple[Row, ...]
    """By node id."""

    @property
    def forfeited_micros(self) -> int:
        """What comes back."""
        return sum(row.forfeited_micros for row in self.rows)

    def paid_from(self, balance_micros: int) -> Statement:
        """Minutes into micros; a balance that is too small is shared out to the last one."""
        given, owed = self.given, [self._owed(row) for row in self.rows]
        shares = owed
        if sum(owed) > balance_micros:
            ties = [_lot(given, row.node_id) for row in self.rows]
            shares = share_out(balance_micros, owed, ties)
        paid = sum(shares)
        left = balance_micros - paid + self.forfeited_micros
        refunded = left if given.closes else 0
        return Statement(
            stream_id=given.stream_id,
            epoch=given.epoch,
            starts_s=given.starts_s,
            ends_s=given.ends_s,
            terms=given.terms,
            rows=tuple(
                self._with_pay(row, due, share)
                for row, due, share in zip(self.rows, owed, shares, strict=True)
            ),
            paid_micros=paid,
            forfeited_micros=self.forfeited_micros,
            refunded_micros=refunded,
            balance_before_micros=balance_micros,
            balance_after_micros=left - refunded,
            closes=given.closes,
            check_seconds=given.check_seconds,
            evidence_until_s=given.evidence_until_s,
            roster_ids=given.roster_ids,
        )

    def _owed(self, row: Row) -> int:
        return self.given.terms.owed_micros(row.minutes_paid)

    def _with_pay(self, row: Row, owed: int, share: int) -> Row:
        """The row with its pay; minutes that are not covered in full are not paid minutes."""
        if share == owed:
            return replace(row, earned_micros=share) if share else row
        covered = self.given.terms.minutes_in(share)
        unpaid = {**dict(row.unpaid), Reason.BALANCE_EXHAUSTED: row.minutes_paid - covered}
        return replace(
            row,
            minutes_paid=covered,
            unpaid=in_order(unpaid),
            earned_micros=share,
            short_micros=owed - share,
            reason=most_telling(unpaid, row.carried),
        )


def settle(given: EpochInput, balance_micros: int) -> Statement:
    """The epoch's statement. Does not depend on the order of any of it."""
    return draft(given).paid_from(balance_micros)


def draft(given: EpochInput) -> Draft:
    """Every minute decided, and who is paid."""
    by_node: dict[str, list[Check]] = {}
    for check in given.checks:
        by_node.setdefault(check.node_id, []).append(check)
    events: dict[str, list[Check]] = {}
    for check in given.elsewhere:
        events.setdefault(check.node_id, []).append(check)
    nodes = sorted({*given.minutes, *by_node, *given.carried, *given.forfeits})
    rows = [
        _decided(node_id, by_node.get(node_id, []), events.get(node_id, []), given)
        for node_id in nodes
        if _is_remembered(node_id, by_node, given)
    ]
    epoch_s = given.ends_s - given.starts_s
    unpaid = unpaid_of(_earners(rows), given.terms, epoch_s)
    return Draft(given, tuple(_in_place(row, unpaid.get(row.node_id)) for row in rows))


def _earners(rows: Iterable[Row]) -> Iterator[Earner]:
    """Who holds a place: nodes with minutes that are paid now, or wait to be paid.

    Would a waiting node not hold its place, another behind it were paid in epochs without a check
    of the first, whose minutes are paid nevertheless, an epoch later: one place paid twice."""
    for row in rows:
        if row.minutes_paid or row.minutes_waiting:
            yield Earner(row.node_id, row.carried.first_pass_s or 0.0, row.carried.address)


def _is_remembered(node_id: str, checks: Mapping[str, Any], given: EpochInput) -> bool:
    if node_id in given.minutes or node_id in checks or node_id in given.forfeits:
        return True
    carried = given.carried[node_id]
    if carried.waiting or carried.parked:
        return True
    return not given.closes and carried.absent < ABSENT_EPOCHS_MAX


def _decided(node_id: str, checks: list[Check], events: list[Check], given: EpochInput) -> Row:
    """A row in minutes, not in money yet."""
    minutes = given.minutes.get(node_id, Minutes())
    carried = given.carried.get(node_id, Carried())
    up = minutes.filled(carried.last_up)
    minute_s = given.terms.minute_seconds
    decisions = MinuteDecisions.of(carried, given.stream_id)
    for reason, count in minutes.not_up(up).items():
        decisions.give(reason, count)
    ordered = sorted([*checks, *events], key=lambda check: (check.due_s, check.draw))
    decisions.through(up, ordered, given.starts_s, minute_s)
    if node_id in given.frauds and not decisions.fraud:
        decisions.confirm()
    absent = not minutes.due and not checks
    decisions.finish(lapses=absent or given.closes)
    last = 1 << ((given.ends_s - given.starts_s) // minute_s - 1)
    state = decisions.carried(last_up=bool(up & last), absent=carried.absent + 1 if absent else 0)
    return Row(
        node_id=node_id,
        minutes_due=minutes.due.bit_count(),
        minutes_up=up.bit_count(),
        minutes_idle=decisions.unpaid.get(Reason.STREAM_IDLE, 0),
        minutes_unknown=(minutes.unknown & minutes.due).bit_count(),
        minutes_waiting_before=carried.waiting + carried.parked,
        minutes_paid=decisions.paid,
        unpaid=in_order(decisions.unpaid),
        earned_micros=0,
        short_micros=0,
        forfeited_micros=given.forfeits.get(node_id, 0),
        reason=most_telling(decisions.unpaid, state),
        voided_by=tuple(decisions.voided_by),
        carried=state,
    )


def _in_place(row: Row, why: Reason | None) -> Row:
    """The row, its minutes not paid if there is a reason why it has no place."""
    if why is None or not row.minutes_paid:
        return row
    unpaid = {**dict(row.unpaid), why: row.minutes_paid}
    return replace(
        row, minutes_paid=0, unpaid=in_order(unpaid), reason=most_telling(unpaid, row.carried)
    )


def _lot(given: EpochInput, node_id: str) -> int:
    """Settles ties between equal remainders: another order in every epoch, known to all."""
    lot = f"{given.stream_id}|{given.epoch}|{node_id}".encode()
    return int.from_bytes(hashlib.sha256(lot).digest()[:8])
