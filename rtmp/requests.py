"""What a client asks of a server, read from its commands (section 7.2)."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from rtmp.errors import RtmpError
from rtmp.messages import CommandMessage

_NAME_CHARS_MAX = 1024
_FIELD_CHARS_MAX = 2048
_QUERY_FIELDS_MAX = 16


@dataclass(frozen=True, slots=True)
class ConnectAsked:
    """`connect` (section 7.2.1.1)."""

    app: str
    tc_url: str
    """The address that the player was given; empty where it says none."""
    flash_version: str


@dataclass(frozen=True, slots=True)
class PlayAsked:
    """`play` (section 7.2.2.1)."""

    name: str
    query: dict[str, str]


@dataclass(frozen=True, slots=True)
class PublishAsked:
    """`publish` (section 7.2.2.6)."""

    name: str
    query: dict[str, str]


def parse_connect(said: CommandMessage) -> ConnectAsked:
    """Raises RtmpError."""
    fields = said.argument(0)
    if not isinstance(fields, dict):
        raise RtmpError("connect without its object")

    def text(name: str) -> str:
        value = fields.get(name)
        return value[:_FIELD_CHARS_MAX] if isinstance(value, str) else ""

    return ConnectAsked(text("app").strip("/"), text("tcUrl"), text("flashVer"))


def parse_begin(said: CommandMessage) -> PlayAsked | PublishAsked:
    """`play` or `publish`, with what stands behind its name's question mark. Raises RtmpError."""
    named = said.argument(1)
    if not isinstance(named, str) or len(named) > _NAME_CHARS_MAX:
        raise RtmpError(f"{said.name} without a stream's name")
    name, _, query = named.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_QUERY_FIELDS_MAX)
    except ValueError as error:
        raise RtmpError(f"{said.name} with too many fields") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise RtmpError(f"{said.name} says a field twice")
    return PlayAsked(name, fields) if said.name == "play" else PublishAsked(name, fields)
