"""What goes over the wire: requests as they are accepted, answers as they are given.

Amounts are decimal strings of tokens, instants RFC 3339 in UTC.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from api.wire.amounts import WHOLE, PositiveAmount
from coordinator.polling.nodes import NodeStatus
from coordinator.streams import StreamStatus

StreamId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
NodeId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
WEBHOOK_URL = "https://sponsor.example.org/restream"
Port = Annotated[int, Field(ge=1, le=65_535, strict=True), WHOLE]
Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339 in UTC, as `timestamp` writes it."""


IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=200)]
"""A request that is repeated with the same one is done once."""


def timestamp(at_s: float) -> str:
    """RFC 3339 in UTC with milliseconds where there are any."""
    at = datetime.fromtimestamp(at_s, UTC)
    spec = "milliseconds" if at.microsecond else "seconds"
    return at.isoformat(timespec=spec).replace("+00:00", "Z")


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StreamIn(_In):
    """A sponsor registers a stream."""

    name: str = Field(
        min_length=1, max_length=100, json_schema_extra={"pattern": r"^[^\x00-\x1f]*$"}
    )
    token_balance: PositiveAmount
    reward_per_node_hour: PositiveAmount
    max_paid_nodes: Annotated[int, Field(ge=1, le=10_000, strict=True), WHOLE] = 100
    ends_at: datetime | None = None
    webhook_url: Annotated[str | None, Field(max_length=512, examples=[WEBHOOK_URL])] = None
    """Told of what is settled: docs/webhooks.md."""

    @model_validator(mode="after")
    def _has_an_offset(self) -> "StreamIn":
        if self.ends_at is not None and self.ends_at.tzinfo is None:
            raise ValueError("ends_at needs an offset, for example 2026-12-01T20:00:00Z")
        if any(ord(character) < 32 for character in self.name):
            raise ValueError("a name is one line of text")
        return self


# Not `oneOf`: generated clients make two models of that, each with one field.
_ONE_ADDRESS = ConfigDict(
    json_schema_extra={
        "if": {"required": ["stats_url"], "properties": {"stats_url": {"type": "string"}}},
        "then": {"properties": {"stats_port": {"type": "null"}}},
        "else": {"required": ["stats_port"], "properties": {"stats_port": {"type": "integer"}}},
    }
)


class _AnnouncedIn(_In):
    """Where a node is: at a port of the address that it calls from, or at a URL."""

    model_config = _ONE_ADDRESS

    stats_url: str | None = Field(None, max_length=500)
    stats_port: Port | None = None
    rtmp_port: Port

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.stats_url is None) == (self.stats_port is None):
            raise ValueError("send either stats_port or stats_url")
        return self


class HeartbeatIn(_AnnouncedIn):
    """A node announces itself, and keeps saying so."""

    stream_id: StreamId
    agent: str = Field("", max_length=40)
    engine: str = Field("", max_length=40)
    state: Literal["running", "leaving"] = "running"
    lease: str | None = Field(None, max_length=200)
    """The one of the last answer, as it came."""


class DialBackIn(_AnnouncedIn):
    """A node asks whether it can be reached where it would announce itself."""

    stream_id: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,64}$")


class KnockOut(BaseModel):
    """What came of one port."""

    open: bool
    says: str


class DialBackOut(BaseModel):
    """What can be reached from outside, and at which address."""

    address: str
    stats: KnockOut
    rtmp: KnockOut


class PublishIn(_In):
    """The ingest asks whether somebody may publish."""

    stream_id: str = Field(max_length=200)
    stream_key: str = Field(max_length=200)


class StreamOut(BaseModel):
    """A stream as anyone may see it."""

    stream_id: str
    name: str
    status: StreamStatus
    ingest_url: str
    play_url: str
    reward_per_node_hour: str
    max_paid_nodes: int
    balance: str
    deposited: str
    created_at: Instant
    ends_at: Instant | None
    nodes_verified: int


class RegisteredOut(StreamOut):
    """The answer to a registration: the only one that holds the publishing key."""

    publish_url: str
    webhook_secret: str | None
    """Signs what is sent to `webhook_url`; null without one."""


class StreamsOut(BaseModel):
    """A page of streams."""

    streams: list[StreamOut]
    next_page_token: str | None


class NodeOut(BaseModel):
    """A node as anyone may see it."""

    node_id: str
    stream_id: str
    status: NodeStatus
    reason: str
    says: str
    fix: str
    stats_url: str
    rtmp_url: str
    viewers: int
    minutes_up: int
    minutes_due: int
    checks_passed: int
    checks_failed: int
    checks_degraded: int
    checks_unknown: int
    last_check_at: Instant | None
    last_check_reason: str | None
    pending: str
    available: str
    earned: str


class NodesOut(BaseModel):
    """A page of nodes."""

    nodes: list[NodeOut]
    next_page_token: str | None


class HeartbeatOut(BaseModel):
    """What a node is told: how it stands, what to fix, when to call next."""

    node_id: str
    stream_id: str
    stream_status: StreamStatus
    status: NodeStatus
    reason: str
    says: str
    fix: str
    stats_url: str
    rtmp_url: str
    ingest_url: str
    earned: str
    balance_lasts_seconds: int | None
    """How long the stream can pay at the present rate; None while nobody earns."""
    balance_says: str
    next_heartbeat_seconds: int
    lease: str
    """To be sent with the next heartbeat: nothing needs to be looked up then."""


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


class HealthOut(BaseModel):
    """The api can read its database."""

    status: Literal["ok"] = "ok"
