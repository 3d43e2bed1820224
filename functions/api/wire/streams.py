"""Streams on the wire: registered by sponsors, read by anyone, published with a key."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from api.wire.amounts import WHOLE, PositiveAmount
from api.wire.common import In, Instant
from api.wire.webhooks import WebhookUrl
from coordinator.streams import StreamStatus

_UNPRINTED = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff"
"""Control characters, further line ends, and what XML, and so a badge, cannot hold."""
_NAME = re.compile(rf"^[^{_UNPRINTED}]*[^{_UNPRINTED}\s][^{_UNPRINTED}]*$")


class StreamIn(In):
    """A sponsor registers a stream."""

    name: str = Field(min_length=1, max_length=100, json_schema_extra={"pattern": _NAME.pattern})
    token_balance: PositiveAmount
    reward_per_node_hour: PositiveAmount
    max_paid_nodes: Annotated[int, Field(ge=1, le=10_000, strict=True), WHOLE] = 100
    ends_at: datetime | None = None
    webhook_url: WebhookUrl = None
    """Told of what is settled: docs/webhooks.md."""

    @model_validator(mode="after")
    def _has_an_offset(self) -> "StreamIn":
        if self.ends_at is not None and self.ends_at.tzinfo is None:
            raise ValueError("ends_at needs an offset, for example 2026-12-01T20:00:00Z")
        if not _NAME.fullmatch(self.name):
            raise ValueError("a name is one line of text, and not only spaces")
        return self


class PublishIn(In):
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
