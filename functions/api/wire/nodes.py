"""Nodes on the wire: how they announce themselves, are called back, and stand."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from api.wire.common import In, Instant, Port, StreamId, example, example_of
from api.wire.example_names import (
    INGEST_PUBLIC_KEY,
    INGEST_URL,
    NODE_ID,
    RTMP_URL,
    STATS_URL,
    STREAM_ID,
)
from coordinator.reasons import Reason
from coordinator.strangers.addresses import STATS_URL_CHARACTERS_MAX
from coordinator.streams import StreamStatus
from coordinator.sweeping.nodes import NodeStatus

# Not `oneOf`: generated clients make two models of that, each with one field.
_ONE_ADDRESS: dict[str, Any] = {
    "if": {"required": ["stats_url"], "properties": {"stats_url": {"type": "string"}}},
    "then": {"properties": {"stats_port": {"type": "null"}}},
    "else": {"required": ["stats_port"], "properties": {"stats_port": {"type": "integer"}}},
}
PRINTABLE = "^[ -~]*$"
"""ASCII: strangers write it, and others read it."""
_TOLD = {"reason": Reason.OK.value, "says": Reason.OK.says, "fix": Reason.OK.fix}
_PLACE = {"stats_url": STATS_URL, "rtmp_url": RTMP_URL}


def _announced(**fields: Any) -> ConfigDict:
    """With the rule that one address is to be named, and an example."""
    return ConfigDict(json_schema_extra={**_ONE_ADDRESS, "examples": [fields]})


class _AnnouncedIn(In):
    """Where a node is: at a port of the address that it calls from, or at a URL."""

    stats_url: str | None = Field(None, max_length=STATS_URL_CHARACTERS_MAX)
    stats_port: Port | None = None
    rtmp_port: Port

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.stats_url is None) == (self.stats_port is None):
            raise ValueError("send either stats_port or stats_url")
        return self


class HeartbeatIn(_AnnouncedIn):
    """A node announces itself, and keeps saying so."""

    model_config = _announced(
        stream_id=STREAM_ID,
        stats_port=8080,
        rtmp_port=1935,
        agent="0.1.0",
        engine="restream",
        state="running",
        address="198.51.100.7",
    )

    stream_id: StreamId
    agent: str = Field("", max_length=40, pattern=PRINTABLE)
    engine: str = Field("", max_length=40, pattern=PRINTABLE)
    state: Literal["running", "leaving"] = "running"
    address: str = Field("", max_length=45)
    """The one that it calls from, as it was told last: it signs where it is. An empty one, or one
    that is not right any more, is answered with the right one. Not looked at beside a stats_url."""
    repeats: StrictBool = False
    """Whether the same was said, and answered, by this very process before: it is not looked up
    then. A node that has been away, however shortly, must not say so."""
    doubts_ingest_key: StrictBool = False
    """Whether what it pulls is not signed by the key that it was told: the key is looked up then,
    since the ingest may have another one."""


class DialBackIn(_AnnouncedIn):
    """A node asks whether it can be reached where it would announce itself."""

    model_config = _announced(stats_port=8080, rtmp_port=1935)

    stream_id: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,64}$")


class PortOut(BaseModel):
    """What came of one port."""

    open: bool
    says: str


class DialBackOut(BaseModel):
    """What can be reached from outside, and at which address."""

    model_config = example(
        address="198.51.100.7",
        stats={"open": True, "says": f"{STATS_URL} answers as this node."},
        rtmp={"open": False, "says": "Port 1935 of 198.51.100.7 is closed: forward it."},
        newest_agent="0.1.0",
    )

    address: str
    stats: PortOut
    rtmp: PortOut
    newest_agent: str
    """The newest version of the agent."""


class NodeOut(BaseModel):
    """A node as anyone may see it."""

    model_config = example(
        node_id=NODE_ID,
        stream_id=STREAM_ID,
        status="healthy",
        **_TOLD,
        **_PLACE,
        viewers=2,
        minutes_up=59,
        minutes_due=60,
        uptime="98.3",
        uptime_day="98.3",
        uptime_month="98.3",
        checks_passed=4,
        checks_failed=0,
        checks_degraded=0,
        checks_unknown=0,
        last_check_at="2026-11-22T14:52:07Z",
        last_check_reason=Reason.PASSED.value,
        pending="1.475",
        available="0",
        earned="1.475",
    )

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
    """Since the node first joined, minutes away among them. Those of our own fault, and those
    without a stream, are left out."""
    uptime: str | None
    """In percent, rounded down: `minutes_up` of `minutes_due`; null until a check passed."""
    uptime_day: str | None
    """Of the last 24 whole hours."""
    uptime_month: str | None
    """Of the last 30 days."""
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

    model_config = example(nodes=[example_of(NodeOut)], next_page_token=NODE_ID)

    nodes: list[NodeOut]
    next_page_token: str | None


class HeartbeatOut(BaseModel):
    """What a node is told: how it stands, what to fix, when to call next."""

    model_config = example(
        node_id=NODE_ID,
        stream_id=STREAM_ID,
        stream_status="active",
        stream_name="Main stage",
        status="healthy",
        **_TOLD,
        **_PLACE,
        ingest_url=INGEST_URL,
        ingest_public_key=INGEST_PUBLIC_KEY,
        last_check_at="2026-11-22T14:52:07Z",
        last_check_reason=Reason.PASSED.value,
        pending="1.475",
        available="10.775",
        earned="12.25",
        next_release_at="2026-11-23T15:02:00Z",
        balance_lasts_seconds=11_400,
        balance_says="The balance lasts 3 h 10 min at the present rate.",
        stream_unverified_since=None,
        next_heartbeat_seconds=30,
        polled_every_seconds=60,
        newest_agent="0.1.0",
    )

    node_id: str
    stream_id: str
    stream_status: StreamStatus
    stream_name: str
    status: NodeStatus
    reason: str
    says: str
    fix: str
    stats_url: str
    rtmp_url: str
    ingest_url: str
    ingest_public_key: str | None
    """By which the ingest signs what the node pulls; null if it signs nothing."""
    last_check_at: Instant | None
    last_check_reason: str | None
    pending: str
    available: str
    earned: str
    next_release_at: Instant | None
    """When some of what is pending becomes available; None while nothing is."""
    balance_lasts_seconds: int | None
    """How long the stream can pay at the present rate; None while nobody earns."""
    balance_says: str
    stream_unverified_since: Instant | None
    """Since when nobody could be verified on the stream, because of what is published."""
    next_heartbeat_seconds: int
    polled_every_seconds: int
    """How often a node's statistics are asked for. One that waits much longer calls at once."""
    newest_agent: str
    """The newest version of the agent: a node that is older says so to its operator."""
