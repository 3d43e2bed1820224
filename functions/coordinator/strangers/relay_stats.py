"""A relay's `/stats.json`, in any form that relays speak, as one small value.

Understood: the node agent's own schema (docs/architecture.md) and elnormous/rtmp_relay's
`stats.json` of v0.8 (one flat `connections[]`, `stream` for the direction) and v1.0
(`streams[].connections[]`), including that relay's invalid JSON while a connection is in
mid-handshake. What a relay says is a claim: it only decides whether checks are due.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, FailFast, Field, TypeAdapter, ValidationError
from pydantic_core import from_json


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
_OFTEN_MAX = {b"{": 600, b":": 4_800, b",": 4_800}
"""rtmp_relay tells of a connection in 110 bytes or more, and of eight things: its largest body has
no more. A body of nothing but `{},` took a hundred times as long to refuse as one of this kind."""


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


# The first thing that is wrong is enough: an error for each of thousands took the most time.
_Connections = Annotated[list[_Connection], FailFast()]


class _StreamItem(_Claims):
    connections: _Connections


class _RtmpRelayV1(_Claims):
    schema_: None = Field(None, alias="schema")
    streams: Annotated[list[_StreamItem], FailFast()]


class _RtmpRelayV08(_Claims):
    schema_: None = Field(None, alias="schema")
    streams: None = None
    connections: _Connections


_Body = _AgentBody | _RtmpRelayV1 | _RtmpRelayV08
# In this order, and the first that fits: comparing how well each fits would take twice as long.
# What has the name of one form is of no later form, so a body is the same whatever its size.
_BODY: TypeAdapter[_Body] = TypeAdapter(Annotated[_Body, Field(union_mode="left_to_right")])
_FORMS: Mapping[str, TypeAdapter[_Body]] = {
    "schema": TypeAdapter(_AgentBody),
    "streams": TypeAdapter(_RtmpRelayV1),
    "connections": TypeAdapter(_RtmpRelayV08),
}
SMALL_BYTES_MAX = 4_096
"""The agent's bodies have two thousand: the fastest way for them costs hostile ones the most."""


def parse_stats(body: bytes, stream_id: str) -> RelayStats:
    """What `body` says of `stream_id`; StatsInvalid if it cannot be understood.

    rtmp_relay writes `"ACK_SENT",,` while a connection is in mid-handshake. A doubled comma is
    repaired before anything reads it: no text that we go by has one, and to try the body as it is
    took twice as long to refuse."""
    parsed = _parse(body)
    if isinstance(parsed, _AgentBody):
        return _from_agent(parsed, stream_id)
    if isinstance(parsed, _RtmpRelayV1):
        return _from_connections(
            [connection for item in parsed.streams for connection in item.connections], stream_id
        )
    return _from_connections(parsed.connections, stream_id)


def _parse(body: bytes) -> _Body:
    if any(body.count(mark) > often_max for mark, often_max in _OFTEN_MAX.items()):
        raise StatsInvalid("more things than a relay has to tell of")
    read = _BODY.validate_json if len(body) <= SMALL_BYTES_MAX else _read_large
    try:
        return read(body.replace(b",,", b","))
    except ValueError as error:  # pydantic's own are of that kind
        raise StatsInvalid(_sentence(error)) from None


def _read_large(body: bytes) -> _Body:
    """Read first, then held against the one form that it can be.

    An error of pydantic keeps its input, built anew for each form that was tried in vain."""
    found = from_json(body)
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - of what a stranger sent
    form = next((form for name, form in _FORMS.items() if found.get(name) is not None), None)
    if form is None:
        raise ValueError("no form that is known")
    return form.validate_python(found)


def _sentence(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)[:200]
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
