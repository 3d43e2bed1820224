"""Events follow from statements; each has one id, one body, and a signature that others verify."""

import json
import time
from dataclasses import replace

import pytest
from standardwebhooks.webhooks import Webhook as Receiver
from standardwebhooks.webhooks import WebhookVerificationError

from coordinator.epochs import Calendar
from coordinator.ledger.statements import Summary
from coordinator.ledger.webhooks import (
    GIVE_UP_SECONDS,
    PAUSES_S,
    EventKind,
    Webhook,
    WebhookEvent,
    events_of,
    is_too_old,
    low_after,
    secret_of,
    signed_headers,
)
from coordinator.reasons import Reason

CALENDAR = Calendar()
HOUR = Summary(
    epoch=11,
    starts_s=39_600,
    ends_s=43_200,
    nodes_paid=3,
    minutes_paid=170,
    unpaid={},
    paid_micros=7_000_000,
    forfeited_micros=0,
    refunded_micros=0,
    balance_after_micros=7_000_000 * 24,
)
WEBHOOK = Webhook(
    stream_id="s3",
    url="https://sponsor.example.org/hook",
    secret=secret_of("k" * 43, "s3"),
    next_epoch=11,
    due_s=43_320.0,
)


def _kinds(summary: Summary, *, was_low: bool = False) -> list[EventKind]:
    return [event.kind for event in events_of(summary, "s3", was_low=was_low)]


def test_every_statement_is_told() -> None:
    """With where to read it."""
    (event,) = events_of(HOUR, "s3", was_low=False)
    assert event.id == "s3-11-statement-ready"
    assert json.loads(event.body) == {
        "type": "statement.ready",
        "timestamp": "1970-01-01T12:00:00Z",
        "data": {
            "stream_id": "s3",
            "epoch": 11,
            "starts_at": "1970-01-01T11:00:00Z",
            "ends_at": "1970-01-01T12:00:00Z",
            "nodes_paid": 3,
            "paid": "7",
            "forfeited": "0",
            "refunded": "0",
            "balance_after": "168",
            "statement": "/streams/s3/statements/11",
        },
    }


def test_a_balance_is_low_below_a_day_of_the_same() -> None:
    """A day exactly is not low; one micro-token less is."""
    assert _kinds(HOUR) == [EventKind.STATEMENT_READY]
    low = replace(HOUR, balance_after_micros=HOUR.balance_after_micros - 1)
    assert _kinds(low) == [EventKind.STATEMENT_READY, EventKind.BALANCE_LOW]
    told = json.loads(events_of(low, "s3", was_low=False)[1].body)["data"]
    assert (told["balance"], told["balance_lasts_seconds"]) == ("167.999999", 86_399)


def test_low_is_said_once_until_it_was_not() -> None:
    """And an epoch that cost nothing changes nothing about it."""
    low = replace(HOUR, balance_after_micros=7_000_000)
    idle = replace(HOUR, paid_micros=0, nodes_paid=0)
    assert _kinds(low, was_low=True) == [EventKind.STATEMENT_READY]
    assert low_after(idle, True) is True
    assert low_after(idle, False) is False
    assert low_after(HOUR, True) is False
    assert _kinds(idle, was_low=False) == [EventKind.STATEMENT_READY]


def test_exhausted_is_said_in_place_of_low() -> None:
    """When this epoch took the last; not at a refund, and not while nothing is there to take."""
    empty = replace(HOUR, balance_after_micros=0)
    assert _kinds(empty) == [EventKind.STATEMENT_READY, EventKind.STREAM_EXHAUSTED]
    assert _kinds(empty, was_low=True) == [EventKind.STATEMENT_READY, EventKind.STREAM_EXHAUSTED]
    per_minute = HOUR.paid_micros // HOUR.minutes_paid
    waits = replace(HOUR, unpaid={Reason.AWAITING_CHECK: 20}, balance_after_micros=20 * per_minute)
    assert EventKind.STREAM_EXHAUSTED in _kinds(waits)  # nobody earns more of that
    more = replace(waits, balance_after_micros=(22 + HOUR.nodes_paid) * per_minute)
    assert EventKind.STREAM_EXHAUSTED not in _kinds(more)
    refunded = replace(empty, refunded_micros=5)
    assert EventKind.STREAM_EXHAUSTED not in _kinds(refunded)
    assert _kinds(replace(empty, paid_micros=0)) == [EventKind.STATEMENT_READY]


def test_an_event_is_the_same_however_often_it_is_made() -> None:
    """So a repetition shows as one: id and body follow from the statement alone."""
    empty = replace(HOUR, balance_after_micros=0)
    first, again = (events_of(empty, "s3", was_low=False) for _ in range(2))
    assert first == again
    assert len({event.id for event in first}) == 2


def test_a_receivers_own_library_verifies_it() -> None:
    """Standard Webhooks' reference implementation; a changed byte, id or time is noticed."""
    event = events_of(HOUR, "s3", was_low=False)[0]
    headers = dict(signed_headers(event, WEBHOOK.secret, time.time()))  # theirs is the real one
    receiver = Receiver(WEBHOOK.secret)
    assert receiver.verify(event.body, headers)["type"] == "statement.ready"
    with pytest.raises(WebhookVerificationError):
        receiver.verify(event.body.replace(b'"7"', b'"8"'), headers)
    with pytest.raises(WebhookVerificationError):
        receiver.verify(event.body, {**headers, "webhook-id": "s3-12-statement-ready"})
    with pytest.raises(WebhookVerificationError):
        Receiver(secret_of("j" * 43, "s3")).verify(event.body, headers)


def test_the_signature_is_the_documented_one() -> None:
    """Computed once by hand: HMAC-SHA256 over id.timestamp.body, in base64."""
    event = WebhookEvent("s3-11-statement-ready", EventKind.STATEMENT_READY, b"{}")
    headers = signed_headers(event, "whsec_" + "a2V5" * 8, 1_000.9)
    assert headers["webhook-timestamp"] == "1000"
    assert headers["webhook-signature"] == "v1,tsMSl8Qplo1tGJfnHVHb0vNVuKCRRdzJlmyzMC7pYaw="


def test_a_secret_follows_from_the_sponsors_key_and_the_stream() -> None:
    """A repeated registration answers with the same one; 32 bytes behind the usual prefix."""
    assert secret_of("k" * 43, "s3") == WEBHOOK.secret
    assert (
        len({secret_of("k" * 43, "s3"), secret_of("k" * 43, "s5"), secret_of("j" * 43, "s3")}) == 3
    )
    assert WEBHOOK.secret.startswith("whsec_")
    assert len(WEBHOOK.secret) == 6 + 44


def test_pauses_grow_and_then_stay() -> None:
    """From a minute to ten hours; the first success forgets them all."""
    webhook, pauses = WEBHOOK, []
    for _ in range(len(PAUSES_S) + 2):
        webhook = webhook.failed(1_000.0, "no answer " * 100)
        pauses.append((webhook.due_s or 0.0) - 1_000.0)
    assert pauses == [*PAUSES_S, PAUSES_S[-1], PAUSES_S[-1]]
    assert len(webhook.last_error) == 200
    after = webhook.delivered(2_000.0)
    assert (after.failures, after.last_error, after.taken) == (0, "", 1)
    assert after.last_success_s == 2_000.0


def test_it_waits_for_the_next_statement() -> None:
    """Until it can be there; and a minute at a time when it is late."""
    past = WEBHOOK.past(replace(HOUR, balance_after_micros=7_000_000))
    assert (past.next_epoch, past.taken, past.is_low) == (12, 0, True)
    assert past.waiting(43_400.0, CALENDAR).due_s == 13 * 3600 + 120
    assert past.waiting(13 * 3600 + 119.0, CALENDAR).due_s == 13 * 3600 + 120
    assert past.waiting(50_000.0, CALENDAR).due_s == 50_060.0


def test_old_events_are_given_up() -> None:
    """Nobody is flooded with last week's after an outage."""
    assert not is_too_old(HOUR, HOUR.ends_s + GIVE_UP_SECONDS - 1)
    assert is_too_old(HOUR, HOUR.ends_s + GIVE_UP_SECONDS)
