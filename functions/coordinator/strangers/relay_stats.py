"""A relay's `/stats.json`, in any form that relays speak, as one small value.

Understood: the node agent's own schema (docs/architecture.md) and elnormous/rtmp_relay's
`stats.json` of v0.8 (one flat `connections[]`, `stream` for the direction) and v1.0
(`streams[].connections[]`), including that relay's invalid JSON while a connection is in
mid-handshake. What a relay says is a claim: it only decides whether checks are due.
"""

from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError


class Media(StrEnum):
    """Whether the relay says that media reaches it."""

    LIVE = "live"
    WAITING = "waiting"
    ABSENT = "absent"
    """The relay knows nothing of this stream."""
    RELAY_DOWN = "relay_down"
    RELAY_OVERRUN = "relay_overrun"


class RelayStats(NamedTuple):
    """What a body says of one stream. Counters are None where the relay keeps none."""

    media: Media
    viewers: int = 0
    bytes_in: int | None = None
    bytes_out: int | None = None
    node_id: str | None = None


class StatsInvalid(ValueError):  # noqa: N818 - it names the finding, not an error of ours
    """The body is in no form that is understood."""


Counter = Field(ge=0, lt=2**63)


class _Claims(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _AgentRelay(_Claims):
    state: Literal["starting", "running", "overrun", "restarting", "stopped"]


class _AgentStream(_Claims):
    id: str
    state: Literal[Media.LIVE, Media.WAITING]
    viewers: int = Counter
    bytes_in: int = Counter
    bytes_out: int = Counter


class _AgentBody(_Claims):
    schema_: Literal["restream-node/1"] = Field(alias="schema")
    node_id: str
    relay: _AgentRelay
    stream: _AgentStream


class _Connection(_Claims):
    name: str
    status: str
    connection: str = ""
    state: str = ""
    direction: str = ""
    stream: str = ""

    @property
    def way(self) -> str:
        return self.direction or self.stream


class _StreamItem(_Claims):
    connections: list[_Connection]


class _RtmpRelayV1(_Claims):
    streams: list[_StreamItem]


class _RtmpRelayV08(_Claims):
    connections: list[_Connection]


_Body = _AgentBody | _RtmpRelayV1 | _RtmpRelayV08
# In this order, and the first that fits: comparing how well each fits would take twice as long.
_BODY: TypeAdapter[_Body] = TypeAdapter(Annotated[_Body, Field(union_mode="left_to_right")])


def parse_stats(body: bytes, stream_id: str) -> RelayStats:
    """What `body` says of `stream_id`; StatsInvalid if it cannot be understood.

    rtmp_relay writes `"ACK_SENT",,` while a connection is in mid-handshake; a doubled comma
    is repaired, once, when the body does not parse as it is."""
    parsed = _parse(body)
    if isinstance(parsed, _AgentBody):
        return _from_agent(parsed, stream_id)
    if isinstance(parsed, _RtmpRelayV1):
        return _from_connections(
            [connection for item in parsed.streams for connection in item.connections], stream_id
        )
    return _from_connections(parsed.connections, stream_id)


def _parse(body: bytes) -> _Body:
    try:
        return _BODY.validate_json(body)
    except ValidationError as error:
        if b",," not in body:
            raise StatsInvalid(_sentence(error)) from error
    try:
        return _BODY.validate_json(body.replace(b",,", b","))
    except ValidationError as error:
        raise StatsInvalid(_sentence(error)) from error


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"[:200]


def _from_agent(body: _AgentBody, stream_id: str) -> RelayStats:
    if body.stream.id != stream_id:
        media = Media.ABSENT
    elif body.relay.state == "overrun":
        media = Media.RELAY_OVERRUN
    elif body.relay.state != "running":
        media = Media.RELAY_DOWN
    else:
        media = body.stream.state
    stream = body.stream
    return RelayStats(media, stream.viewers, stream.bytes_in, stream.bytes_out, body.node_id)


def _from_connections(connections: list[_Connection], stream_id: str) -> RelayStats:
    ours = [connection for connection in connections if connection.name == stream_id]
    pulls = [c for c in ours if c.connection == "CLIENT" and c.way == "INPUT"]
    pushes = [c for c in ours if c.connection == "HOST" and c.way == "OUTPUT"]
    if not pulls:
        return RelayStats(Media.WAITING if not connections else Media.ABSENT)
    up = any(c.status == "connected" and c.state == "HANDSHAKE_DONE" for c in pulls)
    viewers = sum(c.status == "connected" for c in pushes)
    return RelayStats(Media.LIVE if up else Media.WAITING, viewers)
