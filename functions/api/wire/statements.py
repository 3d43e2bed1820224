"""Statements on the wire: an epoch of a stream, with a row for each node."""

from pydantic import BaseModel

from api.wire.common import Instant


class UnpaidOut(BaseModel):
    """Minutes that were not paid, and why."""

    reason: str
    minutes: int
    says: str


class VoidedOut(BaseModel):
    """A check that voided minutes: one of `GET /runs`."""

    draw: int
    due_s: float
    due_at: Instant
    minutes: int
    reason: str


class CarriedOut(BaseModel):
    """What a row hands on to the next statement: `coordinator.ledger.rows.Carried`."""

    first_pass_s: float | None
    waiting: int
    last_up: bool
    flagged: bool
    fraud: bool
    parked: int
    absent: int
    address: str | None
    failed: bool


class RowOut(BaseModel):
    """One node in a statement. minutes_due + minutes_waiting_before = minutes_paid + unpaid."""

    node_id: str
    minutes_due: int
    minutes_up: int
    minutes_idle: int
    minutes_unknown: int
    minutes_waiting_before: int
    minutes_paid: int
    unpaid: list[UnpaidOut]
    minutes_unproven: int
    minutes_voided: int
    minutes_beyond: int
    minutes_waiting: int
    earned: str
    short: str
    forfeited: str
    reason: str
    says: str
    voided_by: list[VoidedOut]
    carried: CarriedOut


class StatementOut(BaseModel):
    """A settled epoch of a stream."""

    stream_id: str
    epoch: int
    starts_at: Instant
    ends_at: Instant
    minute_seconds: int
    reward_per_node_hour: str
    max_paid_nodes: int
    holding_epochs: int
    network_percent: int
    network_nodes_free: int
    rows: list[RowOut]
    paid: str
    forfeited: str
    refunded: str
    balance_before: str
    balance_after: str
    closes: bool
    check_seconds: int
    evidence_until_s: float
    roster_ids: list[str]


class StatementsOut(BaseModel):
    """A page of statements, oldest first."""

    statements: list[StatementOut]
    next_page_token: str | None
