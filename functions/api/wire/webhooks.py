"""A sponsor's webhook, on the wire."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.wire.common import In, Instant
from api.wire.example_names import WEBHOOK_URL
from coordinator.strangers.addresses import URL_CHARACTERS_MAX

WebhookUrl = Annotated[str | None, Field(max_length=URL_CHARACTERS_MAX, examples=[WEBHOOK_URL])]


class WebhookIn(In):
    """Where a stream's sponsor wants to be told; null to be told no more."""

    webhook_url: WebhookUrl


class WebhookOut(BaseModel):
    """How far a sponsor has been told."""

    stream_id: str
    webhook_url: str | None
    state: Literal["waiting", "failing", "ended"]
    """`ended`: turned off, answered 410, or the stream's last statement was delivered."""
    next_epoch: int
    """The first epoch whose events have not all been delivered."""
    failures: int
    """Attempts that failed since the last one that did not."""
    last_error: str | None
    last_success_at: Instant | None
    next_try_at: Instant | None


class WebhookSetOut(WebhookOut):
    """With the secret that signs the messages: shown only here and at registration."""

    webhook_secret: str | None
