"""Tells sponsors' own servers what was settled, after the settling and within a bound of time.

Every receiver may be slow or hostile: a call spends a few seconds on all of them together, little
on each, and a failure is a later attempt and a line in the log, never more.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from coordinator.adapters.clock import Clock, steady
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.outbound.replies import OutboundLimits, Posted
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.webhooks import DUE_MAX, Webhooks
from coordinator.adapters.worker_pool import work_through
from coordinator.epochs import Calendar
from coordinator.ledger.webhooks import (
    Webhook,
    WebhookEvent,
    events_of,
    is_too_old,
    signed_headers,
    unverifiable,
)
from coordinator.strangers.addresses import AddressRefused, parse_webhook_url

LIMITS = OutboundLimits(resolve_seconds=1.5, connect_seconds=2.5, total_seconds=4.0)
SECONDS_MAX = 8.0
"""After it no attempt of a call begins; the last one ends within LIMITS' seconds more."""
AT_ONCE = 16
GONE = "answered with status 410: nobody is there any more, so nothing is sent any more"
STATEMENTS_A_TURN = 24
"""Of one receiver in one call: who comes back after a day is told of it in one."""


@dataclass
class Deliverer:
    """Delivers what is due, the longest due first, each receiver's events in order."""

    webhooks: Webhooks
    ledger: Ledger
    client: HttpClient
    """Should be built with LIMITS of this module."""
    calendar: Calendar
    clock: Clock
    log: Log
    unverified: Callable[[], Awaitable[Mapping[str, int]]]
    """The streams that cannot be verified now, and since when."""
    seconds_max: float = SECONDS_MAX

    async def deliver_due(self) -> dict[str, int]:
        """How many receivers were looked at, and how many events were taken. Never raises."""
        now = steady(self.clock)
        begun_s = now()
        try:
            due = await self.webhooks.due(self.clock())
        except Exception as error:  # whatever it is: what was settled is settled
            self.log.failure(LogEvent.WEBHOOKS_NOT_READ, error)
            return {"receivers": 0, "delivered": 0}
        unverified, woken = await self._woken({webhook.stream_id for webhook in due})
        due += woken
        until_s, delivered = begun_s + self.seconds_max, 0

        async def turn(webhook: Webhook) -> None:
            nonlocal delivered
            if now() < until_s:  # else it is still due: the next call goes on there
                since_s = unverified.get(webhook.stream_id)
                taken = await self._turn(webhook, until_s, since_s)  # first: others count meanwhile
                delivered += taken

        await work_through(due, turn, at_once=AT_ONCE)
        return {"receivers": len(due), "delivered": delivered}

    async def _woken(self, due: Collection[str]) -> tuple[Mapping[str, int], list[Webhook]]:
        """Streams that cannot be verified, and their webhooks that rest until a statement."""
        try:
            unverified = await self.unverified()
            asked = sorted(unverified.keys() - due)[:DUE_MAX]
            found = await self.webhooks.of_all(asked) if asked else []
        except Exception as error:  # statements are told all the same
            self.log.failure(LogEvent.WEBHOOKS_NOT_READ, error)
            return {}, []
        return unverified, [
            webhook
            for webhook in found
            if webhook.due_s is not None
            and not webhook.failures
            and webhook.unverified_s != unverified[webhook.stream_id]
        ]

    async def _turn(self, before: Webhook, until_s: float, unverified_s: int | None) -> int:
        """Tells one receiver what is new, and keeps how far that came."""
        try:
            after, delivered = await self._tell(before, until_s, unverified_s)
            if after != before:
                await self.webhooks.keep(before, after)
        except Exception as error:  # one receiver's trouble is nobody else's
            self.log.failure(LogEvent.WEBHOOK_NOT_KEPT, error, stream_id=before.stream_id)
            return 0
        return delivered

    async def _tell(
        self, webhook: Webhook, until_s: float, unverified_s: int | None
    ) -> tuple[Webhook, int]:
        delivered = 0
        found = await self.ledger.summaries(
            webhook.stream_id, webhook.next_epoch, STATEMENTS_A_TURN + 1
        )
        for summary in found[:STATEMENTS_A_TURN]:
            events = events_of(summary, webhook.stream_id, was_low=webhook.is_low)
            if is_too_old(summary, self.clock()):
                events = []
            for event in events[webhook.taken :]:
                if steady(self.clock)() >= until_s:
                    return webhook, delivered  # still due: the next call goes on here
                after = await self._without(webhook, event)
                if after is not None:
                    return after, delivered
                webhook, delivered = webhook.delivered(self.clock()), delivered + 1
            webhook = webhook.past(summary)
        if len(found) > STATEMENTS_A_TURN or self.clock() >= until_s:
            return webhook, delivered
        if unverified_s not in (None, webhook.unverified_s):
            event = unverifiable(webhook.stream_id, unverified_s)
            after = await self._without(webhook, event)
            if after is not None:
                return after, delivered
            webhook = webhook.told_unverified(unverified_s, self.clock())
            delivered += 1
        return await self._rested(webhook), delivered

    async def _without(self, webhook: Webhook, event: WebhookEvent) -> Webhook | None:
        """Sends an event; how the webhook stands if it was not taken."""
        error = await self._send(webhook, event)
        if error == GONE:
            return webhook.ended(error)
        return webhook.failed(self.clock(), error) if error else None

    async def _rested(self, webhook: Webhook) -> Webhook:
        """With everything told that there is: until the next statement, or for good."""
        (balance,) = await self.ledger.balances([webhook.stream_id])
        if balance and balance.due_epoch is None and balance.next_epoch <= webhook.next_epoch:
            return webhook.ended()
        return webhook.waiting(self.clock(), self.calendar)

    async def _send(self, webhook: Webhook, event: WebhookEvent) -> str:
        """What went wrong; empty if the event was taken."""
        headers = signed_headers(event, webhook.secret, self.clock())
        try:
            address = parse_webhook_url(webhook.url)
        except AddressRefused as refused:
            return refused.detail
        found = await self.client.post(address, headers, event.body)
        error = _error_of(found.status) if isinstance(found, Posted) else found.detail
        self.log(
            LogEvent.WEBHOOK_FAILED if error else LogEvent.WEBHOOK_DELIVERED,
            stream_id=webhook.stream_id,
            webhook_id=event.id,
            failures=webhook.failures,
            seconds=round(found.seconds, 3),
            error=error,
        )
        return error


def _error_of(status: int) -> str:
    """Empty for a status that takes the event."""
    if status == HTTPStatus.GONE:
        return GONE
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return ""
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"answered with status {status}; redirects are not followed"
    return f"answered with status {status}"
