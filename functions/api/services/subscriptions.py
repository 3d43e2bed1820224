"""Sponsors' webhooks: registered with a stream, looked at, moved, and turned off."""

from dataclasses import dataclass
from typing import Literal

from api.http.addresses import address_named
from api.http.problems import Problem, ProblemKind
from api.wire.common import timestamp
from api.wire.webhooks import WebhookIn, WebhookOut, WebhookSetOut
from coordinator.adapters.clock import Clock
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.replies import OutboundLimits
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.webhooks import Webhooks
from coordinator.epochs import Calendar
from coordinator.keys import sha256_hex
from coordinator.ledger.webhooks import RequestConflictError, Webhook, secret_of
from coordinator.strangers.addresses import parse_webhook_url
from coordinator.streams import Stream

LIMITS = OutboundLimits(resolve_seconds=1.5)
"""The api only resolves a name; payout is who sends."""


@dataclass(frozen=True)
class Subscriptions:
    """Who is told about a stream."""

    webhooks: Webhooks
    ledger: Ledger
    guard: Guard
    calendar: Calendar
    clock: Clock

    async def check(self, url: str) -> None:
        """A problem unless this is a URL at a public address, as far as can be told now.

        Every delivery judges the address anew: a name may lead elsewhere by then."""
        with address_named("webhook_url", "Name an http or https URL at a public address."):
            await self.guard.resolve(parse_webhook_url(url).host, LIMITS)

    async def open(self, stream: Stream, url: str, sponsor_key: str) -> None:
        """With a new stream, before its balance: nothing is settled that nobody is told of."""
        first = self.calendar.epoch_at(stream.created_s)
        new = self._new(stream.stream_id, url, sponsor_key, first)
        await self.webhooks.create(new.waiting(self.clock(), self.calendar))

    async def of(self, stream: Stream) -> WebhookOut:
        """How far telling has come."""
        webhook = await self.webhooks.of(stream.stream_id)
        if webhook is None:
            raise Problem(
                ProblemKind.UNKNOWN_WEBHOOK, f"{stream.stream_id} has no webhook: POST one here."
            )
        return _told(webhook)

    async def set(
        self,
        stream: Stream,
        asked: WebhookIn,
        sponsor_key: str,
        idempotency_key: str | None = None,
    ) -> WebhookSetOut:
        """Another URL, or none; what was not delivered yet goes to the new one.

        A repeated request that was overtaken by another one does not take that back."""
        url = asked.webhook_url
        if url is not None:
            await self.check(url)
        (balance,) = await self.ledger.balances([stream.stream_id])
        if balance is None:
            raise Problem(
                ProblemKind.UNAVAILABLE, "The stream's first deposit is still being written."
            )
        new = self._new(stream.stream_id, url or "", sponsor_key, balance.next_epoch)
        if idempotency_key is not None:
            asked_for = "" if url is None else str(parse_webhook_url(url))
            request = f"{sha256_hex(idempotency_key)[:32]} {asked_for}"
            new = new.model_copy(update={"requests": [request]})
        try:
            kept = await self.webhooks.replace(new if url is not None else new.ended())
        except RequestConflictError:
            says = "This Idempotency-Key stands for another webhook_url; use a new key."
            raise Problem(ProblemKind.IDEMPOTENCY_CONFLICT, says) from None
        secret = kept.secret if kept.url else None
        return WebhookSetOut(**_told(kept).model_dump(), webhook_secret=secret)

    def _new(self, stream_id: str, url: str, sponsor_key: str, first_epoch: int) -> Webhook:
        return Webhook(
            stream_id=stream_id,
            url=url,
            secret=secret_of(sponsor_key, stream_id),
            next_epoch=first_epoch,
            due_s=self.clock(),
        )


def _told(webhook: Webhook) -> WebhookOut:
    """A webhook on the wire, without its secret."""
    success_s, due_s = webhook.last_success_s, webhook.due_s
    state: Literal["waiting", "failing", "ended"] = "failing" if webhook.failures else "waiting"
    return WebhookOut(
        stream_id=webhook.stream_id,
        webhook_url=webhook.url or None,
        state="ended" if due_s is None else state,
        next_epoch=webhook.next_epoch,
        failures=webhook.failures,
        last_error=webhook.last_error or None,
        last_success_at=None if success_s is None else timestamp(success_s),
        next_try_at=None if due_s is None else timestamp(due_s),
    )
