"""A stream: what a sponsor pays for, and until when."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from coordinator.documents.codec import Codec
from coordinator.published_media import PublishedMedia


class StreamStatus(StrEnum):
    """Derived from the document, the balance and the clock: never stored, so never stale."""

    ACTIVE = "active"
    EXHAUSTED = "exhausted"
    CLOSED = "closed"


class Stream(BaseModel):
    """The document `streams/{stream_id}`, written by api only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stream_id: str
    name: str
    sponsor: str
    reward_micros_per_hour: int
    """Paid per node and hour of verified relaying."""
    max_paid_nodes: int
    created_s: float
    ends_s: float | None = None
    key_hash: str
    """SHA-256 of the key that publishes it."""
    request_hash: str
    """SHA-256 of the registration's body: a repeated request must be the same one."""
    media: PublishedMedia = PublishedMedia()
    """What was published last."""
    ingest_public_key: str | None = None
    """By which its ingest signs it (Ed25519, in URL-safe base64); None if it signs nothing."""


STREAMS = Codec(Stream, "streams")


def stream_status(stream: Stream, spendable_micros: int, now_s: float) -> StreamStatus:
    """Closed once its end has come, exhausted once no more can be earned, active otherwise."""
    if stream.ends_s is not None and now_s >= stream.ends_s:
        return StreamStatus.CLOSED
    return StreamStatus.ACTIVE if spendable_micros > 0 else StreamStatus.EXHAUSTED
