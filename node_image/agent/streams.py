"""What the coordinator says about a stream, parsed once at the edge."""

import re
from dataclasses import dataclass

STREAM_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Everything that enters a relay's configuration comes through this pattern: no quotes, spaces,
# semicolons or braces, so an address can never become a directive.
_RTMP_URL = re.compile(
    r"rtmp://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::(?P<port>[0-9]{1,5}))?"
    r"/(?P<app>[A-Za-z0-9_-]{1,64})/(?P<name>[A-Za-z0-9_-]{1,64})"
)
_RTMP_PORT = 1935


class NotUnderstoodError(Exception):
    """The coordinator's answer is not what the contract says. The message says where."""


@dataclass(frozen=True)
class RtmpUrl:
    """An address to pull a stream from."""

    host: str
    port: int
    app: str
    name: str

    def __str__(self) -> str:
        return f"rtmp://{self.host}:{self.port}/{self.app}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> "RtmpUrl":
        """Read `rtmp://host[:port]/app/name`. Raises NotUnderstoodError."""
        match = _RTMP_URL.fullmatch(text)
        port = int(match["port"] or _RTMP_PORT) if match else 0
        if match is None or not 1 <= port <= 65535:
            raise NotUnderstoodError(
                f"ingest_url is not rtmp://host:port/app/stream: {text[:200]!r}"
            )
        return cls(match["host"], port, match["app"], match["name"])


@dataclass(frozen=True)
class Stream:
    """The part of a stream's record that a node acts on."""

    stream_id: str
    status: str
    ingest_url: RtmpUrl

    @property
    def is_closed(self) -> bool:
        """True when there is nothing to relay any more."""
        return self.status == "closed"


@dataclass(frozen=True)
class HeartbeatAnswer:
    """What the coordinator thinks of the node."""

    stream: Stream
    status: str
    reason: str
    says: str
    fix: str
    earned: str
    next_heartbeat_s: float


def parse_stream(body: object) -> Stream:
    """The answer of `GET /streams/{id}`. Raises NotUnderstoodError."""
    fields = _fields(body)
    return Stream(
        _text(fields, "stream_id"),
        _text(fields, "status"),
        RtmpUrl.parse(_text(fields, "ingest_url")),
    )


def parse_heartbeat_answer(body: object) -> HeartbeatAnswer:
    """The answer of `POST /nodes/heartbeat`. Raises NotUnderstoodError."""
    fields = _fields(body)
    pace = fields.get("next_heartbeat_seconds")
    if isinstance(pace, bool) or not isinstance(pace, int | float):
        raise NotUnderstoodError("next_heartbeat_seconds is not a number")
    stream = Stream(
        _text(fields, "stream_id"),
        _text(fields, "stream_status"),
        RtmpUrl.parse(_text(fields, "ingest_url")),
    )
    return HeartbeatAnswer(
        stream=stream,
        status=_text(fields, "status"),
        reason=_text(fields, "reason"),
        says=_text(fields, "says"),
        fix=_text(fields, "fix"),
        earned=_text(fields, "earned"),
        next_heartbeat_s=float(pace),
    )


def _fields(body: object) -> dict[str, object]:
    if not isinstance(body, dict):
        raise NotUnderstoodError("the answer is not a JSON object")
    return body


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise NotUnderstoodError(f"{name} is missing or not a text")
    return value
