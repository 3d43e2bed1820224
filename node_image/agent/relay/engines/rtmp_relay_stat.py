"""Reads rtmp_relay's `stats.json`, of v1.0 and v0.8. Pure.

Two faults of that page are lived with. While a connection is in mid-handshake it writes
`"ACK_SENT",,`, which is not JSON. And it does not escape the names that strangers connect with, so
one odd viewer could blind the agent: then every connection that is written cleanly is still read.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from agent.relay.engines.engine import StatisticsError

_CLEAN = re.compile(
    r'\{"id":\s*\d+,\s*"name":\s*"(?P<name>[A-Za-z0-9_-]*)",'
    r'\s*"application":\s*"(?P<application>[A-Za-z0-9_-]*)",\s*"status":\s*"(?P<status>[a-z ]*)",'
    r'\s*"address":\s*"(?P<address>[0-9.:]*)",\s*"connection":\s*"(?P<connection>[A-Z]*)",'
    r'\s*"state":\s*"(?P<state>[A-Z_]*)",+\s*"(?:direction|stream)":\s*"(?P<direction>[A-Z]*)"'
)


@dataclass(frozen=True)
class ListedConnection:
    """One connection of the relay."""

    name: str
    application: str
    address: str  # of the peer, ip:port
    is_client: bool  # the relay opened it itself
    direction: str  # INPUT, OUTPUT or NONE
    is_up: bool
    metadata: dict[str, object] = field(default_factory=dict)


def parse_connections(body: bytes) -> list[ListedConnection]:
    """Every connection of every stream, pending ones too. Raises StatisticsError."""
    text = body.decode("utf-8", errors="replace")
    for candidate in (text, text.replace(",,", ",")):
        try:
            # Not strict: nginx-rtmp describes streams with control characters, repeated raw.
            root = json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
        if not isinstance(root, dict) or not root.keys() & {"streams", "connections"}:
            raise StatisticsError("it has neither streams nor connections")
        return [_connection(item) for item in _items(root)]
    if '"streams"' not in text and '"connections"' not in text:
        raise StatisticsError("it is not JSON")
    return [_connection(match.groupdict()) for match in _CLEAN.finditer(text)]


def _items(root: dict[str, object]) -> Iterator[dict[str, object]]:
    for key in ("pending_connections", "connections"):  # the second is v0.8's flat list
        yield from _dicts(root.get(key))
    for stream in _dicts(root.get("streams")):
        yield from _dicts(stream.get("connections"))


def _dicts(value: object) -> Iterator[dict[str, object]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _connection(item: dict[str, object]) -> ListedConnection:
    metadata = item.get("metaData")
    return ListedConnection(
        name=_text(item, "name"),
        application=_text(item, "application"),
        address=_text(item, "address"),
        is_client=item.get("connection") == "CLIENT",
        direction=_text(item, "direction") or _text(item, "stream"),  # v0.8 says `stream`
        is_up=item.get("status") == "connected" and item.get("state") == "HANDSHAKE_DONE",
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def _text(item: dict[str, object], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""
