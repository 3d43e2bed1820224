"""Statements on the wire: an epoch of a stream, with a row for each node."""

from pydantic import BaseModel, ConfigDict

from api.wire.common import Instant, example, example_of
from api.wire.example_names import ENDS_AT, EPOCH, NODE_ID, STARTS_AT, STREAM_ID, TICK
from coordinator.reasons import Reason


class UnpaidOut(BaseModel):
    """Minutes that were not paid, and why."""

    model_config = example(reason=Reason.STREAM_IDLE.value, minutes=1, says=Reason.STREAM_IDLE.says)

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

    model_config = ConfigDict(from_attributes=True) | example(
        first_pass_s=1_795_356_067.25,
        waiting=0,
        last_up=True,
        flagged=False,
        fraud=False,
        parked=0,
        absent=0,
        address="198.51.100.7",
        failed=False,
        unknown_alone=0,
        halted=None,
        kept_since_s=None,
        is_behind=False,
        lost_turn=False,
        held=0,
    )

    first_pass_s: float | None
    waiting: int
    last_up: bool
    flagged: bool
    fraud: bool
    parked: int
    absent: int
    address: str | None
    failed: bool
    unknown_alone: int
    halted: int | None
    kept_since_s: float | None
    is_behind: bool
    lost_turn: bool
    held: int


class RowOut(BaseModel):
    """One node in a statement. minutes_due + minutes_waiting_before + minutes_held_back =
    minutes_paid + unpaid."""

    model_config = example(
        node_id=NODE_ID,
        minutes_due=60,
        minutes_up=59,
        minutes_idle=1,
        minutes_unknown=0,
        minutes_waiting_before=0,
        minutes_paid=59,
        unpaid=[example_of(UnpaidOut)],
        minutes_unproven=0,
        minutes_voided=0,
        minutes_beyond=0,
        minutes_waiting=0,
        earned="1.475",
        short="0",
        forfeited="0",
        reason=Reason.STREAM_IDLE.value,
        says=Reason.STREAM_IDLE.says,
        voided_by=[],
        carried=example_of(CarriedOut),
        paid_bits="7ffffffffffffff",
        forfeited_from_s=None,
        minutes_forfeited=0,
        minutes_held_back=0,
    )

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
    paid_bits: str
    """Which of the epoch's minutes are paid, in hexadecimal: the lowest bit is the first."""
    forfeited_from_s: float | None
    """What is forfeited was paid for minutes after this instant."""
    minutes_forfeited: int
    minutes_held_back: int
    """Of those, what is held and not void: degraded checks alone hold it."""


class StatementOut(BaseModel):
    """A settled epoch of a stream."""

    model_config = example(
        stream_id=STREAM_ID,
        epoch=EPOCH,
        starts_at=STARTS_AT,
        ends_at=ENDS_AT,
        minute_seconds=60,
        reward_per_node_hour="1.5",
        max_paid_nodes=100,
        holding_epochs=24,
        network_percent=20,
        network_nodes_free=3,
        unknown_minutes_max=5,
        rows=[example_of(RowOut)],
        next_row_token=None,
        paid="1.475",
        forfeited="0",
        refunded="0",
        balance_before="1012.5",
        balance_after="1011.025",
        closes=False,
        check_seconds=60,
        evidence_until_s=1_795_359_720.0,
        roster_ids=[f"0of1-{TICK}"],
    )

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
    unknown_minutes_max: int
    rows: list[RowOut]
    next_row_token: str | None = None
    """With it there are more rows: `page_token` of this statement's own route."""
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

    model_config = example(statements=[example_of(StatementOut)], next_page_token=None)

    statements: list[StatementOut]
    next_page_token: str | None
