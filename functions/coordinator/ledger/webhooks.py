"""What a sponsor is told of a stream without asking, in which order, and when it is tried again.

Events follow from settled statements: whoever reads the same statements finds the same events with
the same ids, so a crash loses none, and a repetition shows as one. One does not wait for a
statement, since something has to be done about it: that a stream cannot be verified. They are sent
and signed as https://www.standardwebhooks.com describes.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from coordinator.checking.last_run import UNVERIFIED_SAYS
from coordinator.documents.codec import Codec
from coordinator.epochs import Calendar
from coordinator.ledger.statements import Summary
from coordinator.money import format_tokens
from coordinator.reasons import Reason

LOW_SECONDS = 86_400
"""A balance is low that lasts less than this at the rate of the epoch that was just settled."""
PAUSES_S = (60, 300, 1_800, 7_200, 18_000, 36_000)
"""Before each attempt after a failed one; the last one from then on."""
GIVE_UP_SECONDS = 3 * 86_400
"""An event so old is not sent any more: its statement stays public."""
REQUESTS_KEPT = 8
"""A webhook remembers the Idempotency-Keys of the latest requests that set it."""
LOOK_AGAIN_SECONDS = 60
"""When a statement should be there and is not."""
ERROR_CHARACTERS_MAX = 200


class EventKind(StrEnum):
    """The four events."""

    STATEMENT_READY = "statement.ready"
    BALANCE_LOW = "balance.low"
    STREAM_EXHAUSTED = "stream.exhausted"
    STREAM_UNVERIFIABLE = "stream.unverifiable"


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One message to a sponsor: the same id and body however often it is sent."""

    id: str
    kind: EventKind
    body: bytes


class RequestConflictError(Exception):
    """An Idempotency-Key that stands for another URL."""


class Webhook(BaseModel):
    """The money document `webhooks/{stream_id}`: whom to tell, and how far that has come.

    It stands in the database of the money because it holds a secret, and nobody else reads that."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stream_id: str
    url: str
    secret: str
    """`whsec_` and base64: signs every message."""
    next_epoch: int
    """The first epoch whose events have not all been taken."""
    taken: int = 0
    """How many events of that epoch have been."""
    unverified_s: int | None = None
    """Since when the stream could not be verified when that was told last."""
    is_low: bool = False
    """Whether the balance was low after the last epoch that cost anything."""
    failures: int = 0
    """Failed attempts since the last that succeeded."""
    due_s: float | None
    """When to look for something to tell; None once there will be nothing any more."""
    last_error: str = ""
    last_success_s: float | None = None
    requests: list[str] = []
    """`name url`: of the latest requests that set it, and were named."""

    def has_done(self, request: str) -> bool:
        """Whether this request was done before; RequestConflictError if its name was another's."""
        name = request.partition(" ")[0]
        known = [one for one in self.requests if one.partition(" ")[0] == name]
        if known not in ([], [request]):
            raise RequestConflictError(self.stream_id)
        return bool(known)

    def delivered(self, now_s: float) -> "Webhook":
        """After an event that was taken: the next one may follow at once."""
        changed = {"failures": 0, "last_error": "", "last_success_s": now_s}
        return self.model_copy(update={**changed, "taken": self.taken + 1})

    def told_unverified(self, since_s: int, now_s: float) -> "Webhook":
        """After it was taken that the stream cannot be verified: that is told once."""
        changed = {"failures": 0, "last_error": "", "last_success_s": now_s}
        return self.model_copy(update={**changed, "unverified_s": since_s})

    def failed(self, now_s: float, error: str) -> "Webhook":
        """After an attempt that came to nothing; the same event is tried again, later."""
        pause_s = PAUSES_S[min(self.failures, len(PAUSES_S) - 1)]
        changed: dict[str, Any] = {"failures": self.failures + 1, "due_s": now_s + pause_s}
        return self.model_copy(update={**changed, "last_error": error[:ERROR_CHARACTERS_MAX]})

    def past(self, summary: Summary) -> "Webhook":
        """With all events of a statement behind it."""
        changed = {"next_epoch": summary.epoch + 1, "taken": 0}
        return self.model_copy(update={**changed, "is_low": low_after(summary, self.is_low)})

    def waiting(self, now_s: float, calendar: Calendar) -> "Webhook":
        """Until the next statement can be there."""
        ready_s = calendar.epoch_bounds_s(self.next_epoch)[1] + calendar.grace_seconds
        due_s = float(ready_s) if ready_s > now_s else now_s + LOOK_AGAIN_SECONDS
        return self.model_copy(update={"due_s": due_s})

    def moved_to(self, new: "Webhook") -> "Webhook":
        """At another URL, as far as this one has come."""
        names = ("next_epoch", "taken", "is_low", "unverified_s")
        came = {name: getattr(self, name) for name in names}
        requests = [*self.requests, *new.requests][-REQUESTS_KEPT:]
        more = {"last_success_s": self.last_success_s, "requests": requests}
        return new.model_copy(update={**came, **more})

    def ended(self, why: str = "") -> "Webhook":
        """Never looked at again: the last statement was told, or the receiver is gone."""
        return self.model_copy(update={"due_s": None, "last_error": why})


WEBHOOKS = Codec(Webhook, "webhooks")


def events_of(summary: Summary, stream_id: str, *, was_low: bool) -> list[WebhookEvent]:
    """What a statement gives to tell, in order; `was_low` after the statement before it."""
    ready = {
        "epoch": summary.epoch,
        "starts_at": _at(summary.starts_s),
        "ends_at": _at(summary.ends_s),
        "nodes_paid": summary.nodes_paid,
        "paid": format_tokens(summary.paid_micros),
        "forfeited": format_tokens(summary.forfeited_micros),
        "refunded": format_tokens(summary.refunded_micros),
        "balance_after": format_tokens(summary.balance_after_micros),
        "statement": f"/streams/{stream_id}/statements/{summary.epoch}",
    }
    events = [_event(EventKind.STATEMENT_READY, summary, stream_id, ready)]
    balance = {"epoch": summary.epoch, "balance": format_tokens(summary.balance_after_micros)}
    if is_exhausted(summary):
        events.append(_event(EventKind.STREAM_EXHAUSTED, summary, stream_id, balance))
    elif low_after(summary, was_low) and not was_low:
        length_s = summary.ends_s - summary.starts_s
        lasts_s = summary.balance_after_micros * length_s // summary.paid_micros
        more = {**balance, "balance_lasts_seconds": lasts_s}
        events.append(_event(EventKind.BALANCE_LOW, summary, stream_id, more))
    return events


def unverifiable(stream_id: str, since_s: int) -> WebhookEvent:
    """That nobody could be verified on a stream since then, because of what is published."""
    data = {"stream_id": stream_id, "since": _at(since_s), "says": UNVERIFIED_SAYS}
    return _written(EventKind.STREAM_UNVERIFIABLE, stream_id, since_s, since_s, data)


def is_exhausted(summary: Summary) -> bool:
    """Whether this epoch used up what was left; a refund at a stream's end is no such thing.

    What is left for minutes that wait, and a minute of each node, is not left for more."""
    if not summary.paid_micros or summary.refunded_micros:
        return False
    waiting = sum(summary.unpaid.get(each, 0) for each in (Reason.AWAITING_CHECK, Reason.SUSPECTED))
    minutes = waiting + summary.nodes_paid
    return summary.balance_after_micros * summary.minutes_paid <= summary.paid_micros * minutes


def low_after(summary: Summary, was_low: bool) -> bool:
    """Whether a balance is low; an epoch that cost nothing tells nothing about that."""
    if not summary.paid_micros:
        return was_low
    length_s = summary.ends_s - summary.starts_s
    return summary.balance_after_micros * length_s < summary.paid_micros * LOW_SECONDS


def is_too_old(summary: Summary, now_s: float) -> bool:
    """Whether nobody waits for the events of this statement any more."""
    return now_s >= summary.ends_s + GIVE_UP_SECONDS


def secret_of(sponsor_key: str, stream_id: str) -> str:
    """The secret that signs a stream's messages: only the sponsor's key can make it.

    A repeated registration answers with it again, like the publishing key."""
    text = b"webhook|" + stream_id.encode()
    mac = hmac.digest(sponsor_key.encode(), text, hashlib.sha256)
    return "whsec_" + base64.b64encode(mac).decode()


def signed_headers(event: WebhookEvent, secret: str, now_s: float) -> Mapping[str, str]:
    """The headers of one attempt: HMAC-SHA256 over `id.timestamp.body`."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{event.id}.{int(now_s)}.".encode() + event.body
    mac = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "Content-Type": "application/json",
        "webhook-id": event.id,
        "webhook-timestamp": str(int(now_s)),
        "webhook-signature": f"v1,{mac}",
    }


def _event(kind: EventKind, summary: Summary, stream_id: str, data: dict[str, Any]) -> WebhookEvent:
    named = {"stream_id": stream_id, **data}
    return _written(kind, stream_id, summary.epoch, summary.ends_s, named)


def _written(
    kind: EventKind, stream_id: str, number: int, at_s: int, data: dict[str, Any]
) -> WebhookEvent:
    """`number` tells it from others of its kind and stream."""
    body = {"type": kind.value, "timestamp": _at(at_s), "data": data}
    name = f"{stream_id}-{number}-{kind.value.replace('.', '-')}"
    return WebhookEvent(name, kind, json.dumps(body, separators=(",", ":")).encode())


def _at(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")
