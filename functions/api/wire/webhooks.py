"""A sponsor's webhook, on the wire."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.wire.common import In, Instant, example, example_of
from api.wire.example_names import EPOCH, STREAM_ID, WEBHOOK_SECRET, WEBHOOK_URL
from coordinator.strangers.addresses import WEBHOOK_URL_CHARACTERS_MAX

WebhookUrl = Annotated[
    str | None, Field(max_length=WEBHOOK_URL_CHARACTERS_MAX, examples=[WEBHOOK_URL])
]


class WebhookIn(In):
    """Where a stream's sponsor wants to be told; null to be told no more."""

    model_config = example(webhook_url=WEBHOOK_URL)

    webhook_url: WebhookUrl


class WebhookOut(BaseModel):
    """How far a sponsor has been told."""

    model_config = example(
        stream_id=STREAM_ID,
        webhook_url=WEBHOOK_URL,
        state="failing",
        next_epoch=EPOCH,
        failures=2,
        last_error="answered with status 500",
        last_success_at="2026-11-22T14:02:03Z",
        next_try_at="2026-11-22T15:12:07Z",
    )

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

    model_config = example(**example_of(WebhookOut), webhook_secret=WEBHOOK_SECRET)

    webhook_secret: str | None
