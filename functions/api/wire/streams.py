"""Streams on the wire: registered by sponsors, read by anyone, published with a key."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from api.wire.amounts import WHOLE, PositiveAmount
from api.wire.common import In, Instant, example, example_of
from api.wire.example_names import (
    API,
    INGEST_PUBLIC_KEY,
    INGEST_URL,
    STARTS_AT,
    STREAM_ID,
    STREAM_KEY,
    WEBHOOK_SECRET,
)
from api.wire.webhooks import WebhookUrl
from coordinator.published_media import CODEC_CHARS_MAX
from coordinator.streams import StreamStatus

_UNPRINTED = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff"
"""Control characters, further line ends, and what XML, and so a badge, cannot hold."""
_NAME = re.compile(rf"^[^{_UNPRINTED}]*[^{_UNPRINTED}\s][^{_UNPRINTED}]*$")


class StreamIn(In):
    """A sponsor registers a stream."""

    model_config = example(
        name="Main stage",
        token_balance="1000",  # noqa: S106 - no password
        reward_per_node_hour="1.5",
    )

    name: str = Field(min_length=1, max_length=100, json_schema_extra={"pattern": _NAME.pattern})
    token_balance: PositiveAmount
    reward_per_node_hour: PositiveAmount
    max_paid_nodes: Annotated[int, Field(ge=1, le=10_000, strict=True), WHOLE] = 100
    ends_at: datetime | None = None
    """It ends with the epoch in which this lies, and no sooner than with the next one."""
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
    """The ingest asks whether somebody may publish, and says by which key it will sign."""

    model_config = example(
        stream_id=STREAM_ID, stream_key=STREAM_KEY, ingest_public_key=INGEST_PUBLIC_KEY
    )

    stream_id: str = Field(max_length=200)
    stream_key: str = Field(max_length=200)
    ingest_public_key: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{43}$")
    """Ed25519, in URL-safe base64 without padding; null from an ingest that signs nothing."""


Codec = Annotated[str, Field(max_length=CODEC_CHARS_MAX, pattern="^[ -~]*$")]
"""A name in printable ASCII: what a publisher sends is a stranger's."""


class MediaIn(In):
    """The ingest says what is published: the first track of each kind."""

    model_config = example(stream_id=STREAM_ID, video="H264", audio="MP3", key_interval_ms=2000)

    stream_id: str = Field(max_length=200)
    video: Codec = ""
    audio: Codec = ""
    key_interval_ms: Annotated[int, Field(ge=0, le=2**31, strict=True), WHOLE] | None = None


class WarningsOut(BaseModel):
    """What the sponsor should change."""

    model_config = example(
        warnings=[
            "The sound is MP3: Chrome and its kin do not play it in a live stream. "
            "Set AAC in your encoder."
        ]
    )

    warnings: list[str]
    """Sentences; empty if everybody can play what is published."""


class MediaOut(BaseModel):
    """What was published last."""

    model_config = example(
        video="H.264",
        audio="MP3",
        key_interval_ms=2000,
        since=STARTS_AT,
        **example_of(WarningsOut),
    )

    video: str
    """Empty where there is no picture."""
    audio: str
    """Empty where there is no sound."""
    key_interval_ms: int | None
    """Between key frames, as they were first seen; null while fewer than two were."""
    since: Instant
    warnings: list[str]
    """What the sponsor should change, in sentences; empty if everybody can play it."""


class StreamOut(BaseModel):
    """A stream as anyone may see it."""

    model_config = example(
        stream_id=STREAM_ID,
        name="Main stage",
        status="active",
        ingest_url=INGEST_URL,
        ingest_public_key=INGEST_PUBLIC_KEY,
        play_url=f"{API}/streams/{STREAM_ID}/playlist.m3u",
        reward_per_node_hour="1.5",
        max_paid_nodes=100,
        balance="998.5",
        deposited="1000",
        created_at=STARTS_AT,
        ends_at=None,
        nodes_verified=3,
        media=example_of(MediaOut),
        unverified_since=None,
    )

    stream_id: str
    name: str
    status: StreamStatus
    ingest_url: str
    ingest_public_key: str | None
    """By which the ingest signs the stream; null if it signs nothing."""
    play_url: str
    reward_per_node_hour: str
    max_paid_nodes: int
    balance: str
    deposited: str
    created_at: Instant
    ends_at: Instant | None
    nodes_verified: int
    media: MediaOut | None
    """Null until something was published."""
    unverified_since: Instant | None
    """Since when no check of it could pass because of what is published; null while they do."""


class RegisteredOut(StreamOut):
    """The answer to a registration: the only one that holds the publishing key."""

    model_config = example(
        **example_of(StreamOut),
        publish_url=f"{INGEST_URL}?key={STREAM_KEY}",
        webhook_secret=WEBHOOK_SECRET,
    )

    publish_url: str
    webhook_secret: str | None
    """Signs what is sent to `webhook_url`; null without one."""


class StreamsOut(BaseModel):
    """A page of streams."""

    model_config = example(streams=[example_of(StreamOut)], next_page_token=None)

    streams: list[StreamOut]
    next_page_token: str | None
