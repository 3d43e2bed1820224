"""Nodes on the wire: how they announce themselves, are called back, and stand."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.wire.common import In, Instant, Port, StreamId
from coordinator.polling.nodes import NodeStatus
from coordinator.streams import StreamStatus

# Not `oneOf`: generated clients make two models of that, each with one field.
_ONE_ADDRESS = ConfigDict(
    json_schema_extra={
        "if": {"required": ["stats_url"], "properties": {"stats_url": {"type": "string"}}},
        "then": {"properties": {"stats_port": {"type": "null"}}},
        "else": {"required": ["stats_port"], "properties": {"stats_port": {"type": "integer"}}},
    }
)


class _AnnouncedIn(In):
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
