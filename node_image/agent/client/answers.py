"""What the coordinator says about a stream, parsed once at the edge.

Longer than other modules, so that what an answer is and how its fields are read stand together.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from agent.node_key import is_key
from agent.stream_ids import STREAM_ID_PATTERN
from rtmp.addresses import RtmpAddress
from rtmp.errors import RtmpError

# More than any count or pace; a number of a hundred digits has no place in a float.
_NUMBER_MAX = 1_000_000_000
MICROS = 1_000_000
"""Micro-tokens of a token."""
_TOKENS = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")
# Longer than any name that a stream may have.
_SHOWN_CHARS_MAX = 200
# A picture, a sound and its key frames, and room for what a newer coordinator may say.
_WARNINGS_MAX = 8
_WARNING_CHARS_MAX = 500
# The year 2100: what is later is no instant that anybody waits for.
_INSTANT_S_MAX = 4_102_444_800


class NotUnderstoodError(Exception):
    """The coordinator's answer is not what the contract says. The message says where."""


RESTING = "resting"
"""In place of `exhausted`, once the node has waited for new tokens long enough."""


@dataclass(frozen=True)
class RelayedStream:
    """The part of a stream's record that a node acts on."""

    stream_id: str
    status: str
    ingest_url: RtmpAddress
    ingest_public_key: str = ""
    """By which the ingest signs the stream; empty if it signs nothing."""
    is_unverified: bool = False
    """Whether nobody's service of it can be verified now, because of what is published."""

    @property
    def is_over(self) -> bool:
        """True when there is nothing to relay any more, or nothing that the node would be paid."""
        return self.status in ("closed", RESTING)


@dataclass(frozen=True)
class Candidate:
    """A stream that a node may choose, and how well it is served."""

    stream: RelayedStream
    nodes_verified: int
    max_paid_nodes: int

    reward_micros: int = MICROS
    """For an hour of one node, in micro-tokens."""
    balance_micros: int = _NUMBER_MAX * MICROS
    """What is left to pay with."""


@dataclass(frozen=True)
class ToldFacts:
    """What is only shown. Nothing is done by it, so an older coordinator may leave it out."""

    stream_name: str = ""
    newest_agent: str = ""
    """The newest version of the agent that the coordinator knows."""
    pending: str = ""
    available: str = ""
    release_s: float | None = None
    """When some of what is pending becomes available, Unix seconds."""
    checked_s: float | None = None
    """When the last check was, Unix seconds."""
    check_reason: str = ""
    balance_lasts_s: float | None = None
    """How long the stream can pay at the present rate; None while nobody earns."""
    balance_says: str = ""


@dataclass(frozen=True)
class HeartbeatAnswer:
    """What the coordinator thinks of the node."""

    stream: RelayedStream
    status: str
    reason: str
    says: str
    fix: str
    earned: str
    next_heartbeat_s: float
    polled_every_s: float
    """How often the coordinator asks for the statistics."""
    rtmp_url: RtmpAddress | None = None
    """Where the coordinator reaches the node; None if it has no IPv4 address or name."""
    told: ToldFacts = ToldFacts()


def parse_stream(body: object) -> RelayedStream:
    """The answer of `GET /streams/{id}`. Raises NotUnderstoodError."""
    fields = _fields(body)
    return RelayedStream(
        _stream_id(fields),
        _text(fields, "status"),
        _address(fields, "ingest_url"),
        _public_key(fields),
        fields.get("unverified_since") is not None,
    )


def parse_candidates(body: object) -> tuple[list[Candidate], str]:
    """A page of `GET /streams`, and the token of the next. Raises NotUnderstoodError."""
    fields = _fields(body)
    items, token = fields.get("streams"), fields.get("next_page_token")
    if not isinstance(items, list) or not isinstance(token, str | None):
        raise NotUnderstoodError("streams is not a list, or next_page_token not a text")
    return [
        Candidate(
            parse_stream(item),
            _count(item, "nodes_verified", 0),
            _count(item, "max_paid_nodes", 1),
            _micros(item, "reward_per_node_hour", MICROS),
            _micros(item, "balance", _NUMBER_MAX * MICROS),
        )
        for item in items
    ], token or ""


def parse_warnings(body: object) -> list[str]:
    """The answer of `POST /ingest/media`, as far as it is shown. Raises NotUnderstoodError."""
    said = _fields(body).get("warnings")
    if not isinstance(said, list):
        raise NotUnderstoodError("warnings is not a list")
    return [each[:_WARNING_CHARS_MAX] for each in said[:_WARNINGS_MAX] if isinstance(each, str)]


def parse_heartbeat_answer(body: object) -> HeartbeatAnswer:
    """The answer of `POST /nodes/heartbeat`. Raises NotUnderstoodError."""
    fields = _fields(body)
    stream = RelayedStream(
        _stream_id(fields),
        _text(fields, "stream_status"),
        _address(fields, "ingest_url"),
        _public_key(fields),
        fields.get("stream_unverified_since") is not None,
    )
    return HeartbeatAnswer(
        stream=stream,
        status=_text(fields, "status"),
        reason=_text(fields, "reason"),
        says=_text(fields, "says"),
        fix=_text(fields, "fix"),
        earned=_text(fields, "earned"),
        next_heartbeat_s=_seconds(fields, "next_heartbeat_seconds"),
        polled_every_s=_seconds(fields, "polled_every_seconds"),
        rtmp_url=_own_url(fields),
        told=_told(fields),
    )


def _told(fields: dict[str, object]) -> ToldFacts:
    return ToldFacts(
        stream_name=_shown(fields, "stream_name"),
        newest_agent=_shown(fields, "newest_agent"),
        pending=_shown(fields, "pending"),
        available=_shown(fields, "available"),
        release_s=_instant(fields, "next_release_at"),
        checked_s=_instant(fields, "last_check_at"),
        check_reason=_shown(fields, "last_check_reason"),
        balance_lasts_s=_seconds_or_none(fields, "balance_lasts_seconds"),
        balance_says=_shown(fields, "balance_says"),
    )


def _shown(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    return value[:_SHOWN_CHARS_MAX] if isinstance(value, str) else ""


def _instant(fields: dict[str, object], name: str) -> float | None:
    try:
        at = datetime.fromisoformat(_shown(fields, name))
    except ValueError:
        return None
    at_s = at.timestamp() if at.tzinfo else -1.0
    return at_s if 0 <= at_s <= _INSTANT_S_MAX else None


def _seconds(fields: dict[str, object], name: str) -> float:
    found = fields.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise NotUnderstoodError(f"{name} is not a number of seconds")
    if not 0 <= found <= _NUMBER_MAX:
        raise NotUnderstoodError(f"{name} is not a number of seconds")
    return float(found)


def _seconds_or_none(fields: dict[str, object], name: str) -> float | None:
    try:
        return _seconds(fields, name)
    except NotUnderstoodError:
        return None


def _public_key(fields: dict[str, object]) -> str:
    """An older coordinator says none, and so does one whose ingest signs nothing."""
    value = fields.get("ingest_public_key")
    if value is None:
        return ""
    if not isinstance(value, str) or not is_key(value):
        raise NotUnderstoodError("ingest_public_key is not a key")
    return value


def _own_url(fields: dict[str, object]) -> RtmpAddress | None:
    try:
        return _address(fields, "rtmp_url")
    except NotUnderstoodError:
        return None


def _address(fields: dict[str, object], name: str) -> RtmpAddress:
    """A relay pulls and is reached by IPv4, so an IPv6 literal is not understood either."""
    try:
        address = RtmpAddress.parse(_text(fields, name))
    except RtmpError as e:
        raise NotUnderstoodError(f"{name} is {e}") from e
    if ":" in address.host:
        raise NotUnderstoodError(f"{name} is an IPv6 address, which this relay does not use")
    return address


def _fields(body: object) -> dict[str, object]:
    if not isinstance(body, dict):
        raise NotUnderstoodError("the answer is not a JSON object")
    return body


def _stream_id(fields: dict[str, object]) -> str:
    value = _text(fields, "stream_id")
    if not STREAM_ID_PATTERN.fullmatch(value):  # it enters the relay's configuration
        raise NotUnderstoodError(f"stream_id is not a stream's id: {value[:80]!r}")
    return value


def _count(item: object, name: str, least: int) -> int:
    value = _fields(item).get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _NUMBER_MAX:
        raise NotUnderstoodError(f"{name} is not a count")
    return value


def _micros(item: object, name: str, unsaid: int) -> int:
    """An amount of tokens; `unsaid` from a coordinator that does not tell it."""
    value = _fields(item).get(name)
    if value is None:
        return unsaid
    if not isinstance(value, str) or not _TOKENS.fullmatch(value):
        raise NotUnderstoodError(f"{name} is not an amount")
    whole, _, part = value.partition(".")
    return int(whole) * MICROS + int(part.ljust(6, "0"))


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise NotUnderstoodError(f"{name} is missing or not a text")
    return value
