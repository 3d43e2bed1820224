"""Settling one epoch of one stream: from published evidence to a row per node. Pure.

The rule (docs/adr/0003): a minute up is paid when the next check that follows it passes, from
the node's first passed check on. A failed check voids every minute since the check before it.
Minutes after the last check of an epoch wait, and are carried into the next statement: nothing
is ever paid first and clawed back later. Minutes of a flagged node wait until retests clear it
(paid) or confirm it (voided). Minutes that still wait after a whole epoch off the roster lapse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from coordinator.checks import Check, Event, Verdict
from coordinator.money import earned_micros, share_out
from coordinator.packing import pack, unpack
from coordinator.reasons import Reason


@dataclass(frozen=True, slots=True)
class Minutes:
    """A node's minutes of one epoch as big integers: bit i is the i-th tick of the epoch."""

    due: int = 0
    """The node stood on the roster."""
    up: int = 0
    """Swept up, and the stream was live."""
    unknown: int = 0
    """Not measured, by our own fault; counted like the minute before."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a node brings along from the statement before."""

    first_pass_s: float | None = None
    waiting: int = 0
    """Minutes up since its last check."""
    last_up: bool = False
    """How its last minute stood, for a first minute that we failed to measure."""
    flagged: bool = False
    fraud: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What the stream pays."""

    rate_micros_per_hour: int
    max_paid_nodes: int
    minute_seconds: int


@dataclass(frozen=True, slots=True)
class Row:
    """One node in one statement: where each of its minutes went.

    up + waiting_before = paid + unproven + voided + beyond + waiting."""

    node_id: str
    minutes_due: int
    minutes_up: int
    minutes_unknown: int
    minutes_waiting_before: int
    minutes_paid: int
    minutes_unproven: int
    """Before its first passed check."""
    minutes_voided: int
    minutes_beyond: int
    """Verified, but beyond the number of nodes that the stream pays."""
    minutes_waiting: int
    earned_micros: int
    short_micros: int
    """Earned by the minutes, but not covered by the balance."""
    reason: Reason
    voided_by_s: tuple[float, ...]
    """Due instants of the failed checks that voided minutes."""
    carried: Carried = field(default_factory=Carried)
    """For the next statement."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The money document `statements/{stream_id}:{epoch}`; immutable."""

    stream_id: str
    epoch: int
    starts_s: int
    ends_s: int
    terms: Terms
    rows: tuple[Row, ...]
    paid_micros: int
    balance_before_micros: int
    balance_after_micros: int

    @property
    def id(self) -> str:
        """The document's id."""
        return statement_id(self.stream_id, self.epoch)

    def to_fields(self) -> dict[str, Any]:
        """The document's fields; `stream_epoch` is the one that is queried."""
        return {
            "stream_epoch": self.id,
            "stream_id": self.stream_id,
            "epoch": self.epoch,
            "starts_s": self.starts_s,
            "ends_s": self.ends_s,
            "rate_micros_per_hour": self.terms.rate_micros_per_hour,
            "max_paid_nodes": self.terms.max_paid_nodes,
            "minute_seconds": self.terms.minute_seconds,
            "paid_micros": self.paid_micros,
            "balance_before_micros": self.balance_before_micros,
            "balance_after_micros": self.balance_after_micros,
            "rows": pack([_row_out(row) for row in self.rows]),
        }

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> "Statement":
        """The statement that `to_fields` wrote."""
        return cls(
            stream_id=fields["stream_id"],
            epoch=fields["epoch"],
            starts_s=fields["starts_s"],
            ends_s=fields["ends_s"],
            terms=Terms(
                fields["rate_micros_per_hour"], fields["max_paid_nodes"], fields["minute_seconds"]
            ),
            rows=tuple(_row_in(row) for row in unpack(fields["rows"])),
            paid_micros=fields["paid_micros"],
            balance_before_micros=fields["balance_before_micros"],
            balance_after_micros=fields["balance_after_micros"],
        )


def statement_id(stream_id: str, epoch: int) -> str:
    """Fixed width, so that a stream's statements sort by epoch."""
    return f"{stream_id}:{epoch:010d}"


_COLUMNS = [name for name in Row.__dataclass_fields__ if name not in ("reason", "carried")]
_CARRIED = list(Carried.__dataclass_fields__)


def _row_out(row: Row) -> list[Any]:
    carried = [getattr(row.carried, name) for name in _CARRIED]
    return [[getattr(row, name) for name in _COLUMNS], row.reason.value, carried]


def _row_in(packed: list[Any]) -> Row:
    columns = dict(zip(_COLUMNS, packed[0], strict=True))
    columns["voided_by_s"] = tuple(columns["voided_by_s"])
    return Row(**columns, reason=Reason(packed[1]), carried=Carried(*packed[2]))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that settling an epoch of a stream depends on; all of it is public."""

    stream_id: str
    epoch: int
    starts_s: int
    ends_s: int
    terms: Terms
    balance_micros: int
    minutes: Mapping[str, Minutes]
    """By node id."""
    checks: Sequence[Check]
    """Of this stream, due within the epoch, in any order."""
    carried: Mapping[str, Carried] = field(default_factory=dict)
    """By node id, from the statement before."""


def settle(evidence: Evidence) -> Statement:
    """The epoch's statement. Does not depend on the order of any of the evidence."""
    by_node: dict[str, list[Check]] = {}
    for check in evidence.checks:
        by_node.setdefault(check.node_id, []).append(check)
    waiting = [node_id for node_id, carried in evidence.carried.items() if carried.waiting]
    nodes = sorted({*evidence.minutes, *by_node, *waiting})
    rows = [
        _walk(
            node_id,
            evidence.minutes.get(node_id, Minutes()),
            sorted(by_node.get(node_id, []), key=lambda c: (c.due_s, c.draw)),
            evidence.carried.get(node_id, Carried()),
            evidence,
        )
        for node_id in nodes
    ]
    rows = _pay(_rank(rows, evidence.terms), evidence)
    paid = sum(row.earned_micros for row in rows)
    return Statement(
        evidence.stream_id,
        evidence.epoch,
        evidence.starts_s,
        evidence.ends_s,
        evidence.terms,
        tuple(sorted(rows, key=lambda row: row.node_id)),
        paid,
        evidence.balance_micros,
        evidence.balance_micros - paid,
    )


@dataclass(slots=True)
class _Tally:
    """Where a node's minutes have gone while walking through its checks."""

    waiting: int
    first_pass_s: float | None
    flagged: bool
    fraud: bool
    paid: int = 0
    unproven: int = 0
    voided: int = 0
    voided_by_s: list[float] = field(default_factory=list)

    def take(self, check: Check) -> None:
        """Decides the minutes that waited for this check."""
        if check.verdict is Verdict.FAIL:
            self._void(check)
        elif not self.flagged and not self.fraud:
            self._release(check)
        if check.event is Event.FLAGGED:
            self.flagged = True
        elif check.event is Event.CLEARED:
            self.flagged = False
            self._release(check)
        elif check.event is Event.CONFIRMED:
            self.flagged, self.fraud = False, True
            self._void(check)

    def _release(self, check: Check) -> None:
        if self.first_pass_s is None:
            self.first_pass_s = check.due_s
            self.unproven += self.waiting
        else:
            self.paid += self.waiting
        self.waiting = 0

    def _void(self, check: Check) -> None:
        if self.waiting:
            self.voided += self.waiting
            self.voided_by_s.append(check.due_s)
        self.waiting = 0


def _walk(
    node_id: str, minutes: Minutes, checks: list[Check], carried: Carried, evidence: Evidence
) -> Row:
    """A row in minutes, not in money yet."""
    up = _filled(minutes, carried.last_up, _ticks(evidence))
    tally = _Tally(carried.waiting, carried.first_pass_s, carried.flagged, carried.fraud)
    seen = 0
    for check in checks:
        if not check.verdict.counts:
            continue
        until = int(check.due_s - evidence.starts_s) // evidence.terms.minute_seconds + 1
        mask = (1 << max(until, 0)) - 1
        tally.waiting += (up & mask & ~seen).bit_count()
        seen |= mask
        tally.take(check)
    tally.waiting += (up & ~seen).bit_count()
    left = not minutes.due and not checks
    if tally.fraud or left:
        tally.voided, tally.waiting = tally.voided + tally.waiting, 0
    last = 1 << (_ticks(evidence) - 1)
    return Row(
        node_id=node_id,
        minutes_due=minutes.due.bit_count(),
        minutes_up=up.bit_count(),
        minutes_unknown=(minutes.unknown & minutes.due).bit_count(),
        minutes_waiting_before=carried.waiting,
        minutes_paid=tally.paid,
        minutes_unproven=tally.unproven,
        minutes_voided=tally.voided,
        minutes_beyond=0,
        minutes_waiting=tally.waiting,
        earned_micros=0,
        short_micros=0,
        reason=Reason.LEFT if left else _reason(tally),
        voided_by_s=tuple(tally.voided_by_s),
        carried=Carried(
            tally.first_pass_s, tally.waiting, bool(up & last), tally.flagged, tally.fraud
        ),
    )


def _ticks(evidence: Evidence) -> int:
    return (evidence.ends_s - evidence.starts_s) // evidence.terms.minute_seconds


def _filled(minutes: Minutes, last_up: bool, ticks: int) -> int:
    """The minutes up, each unmeasured one that was due taken as the minute before it."""
    up, before = minutes.up, last_up
    for i in range(ticks):
        bit = 1 << i
        if minutes.unknown & bit:
            up = up | bit if before and minutes.due & bit else up & ~bit
        before = bool(up & bit)
    return up


def _reason(tally: _Tally) -> Reason:
    """The most telling reason why a minute of this row was not paid; OK if all were."""
    if tally.fraud:
        return Reason.FRAUD
    if tally.flagged:
        return Reason.SUSPECTED
    if tally.voided:
        return Reason.VOIDED
    if tally.first_pass_s is None:
        return Reason.UNPROVEN
    if tally.waiting:
        return Reason.AWAITING_CHECK
    return Reason.BEFORE_FIRST_PASS if tally.unproven else Reason.OK


def _rank(rows: list[Row], terms: Terms) -> list[Row]:
    """Leaves pay to the nodes with the longest verified service, ties by node id."""
    ranked = sorted(
        (row for row in rows if row.minutes_paid),
        key=lambda row: (row.carried.first_pass_s or 0.0, row.node_id),
    )
    beyond = {row.node_id for row in ranked[terms.max_paid_nodes :]}
    return [
        replace(
            row,
            minutes_paid=0,
            minutes_beyond=row.minutes_paid,
            reason=Reason.BEYOND_MAX_PAID_NODES,
        )
        if row.node_id in beyond
        else row
        for row in rows
    ]


def _pay(rows: list[Row], evidence: Evidence) -> list[Row]:
    """Minutes into micros; a balance that is too small is shared out to the last one."""
    terms = evidence.terms
    owed = [
        earned_micros(terms.rate_micros_per_hour, row.minutes_paid, terms.minute_seconds)
        for row in rows
    ]
    if sum(owed) <= evidence.balance_micros:
        return [replace(row, earned_micros=micros) for row, micros in zip(rows, owed, strict=True)]
    shares = share_out(evidence.balance_micros, owed)
    return [
        replace(
            row,
            earned_micros=share,
            short_micros=micros - share,
            reason=Reason.BALANCE_EXHAUSTED if micros > share else row.reason,
        )
        for row, micros, share in zip(rows, owed, shares, strict=True)
    ]
