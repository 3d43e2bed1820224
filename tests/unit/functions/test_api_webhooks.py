"""A sponsor registers, sees, moves and turns off the webhook of a stream."""

from typing import Any

import httpx
import pytest

from coordinator.adapters.records.webhooks import Webhooks
from tests.doubles.memory import MemoryStore
from tests.sponsors import entered
from tests.unit.functions.conftest import (
    NOW_S,
    SPONSOR_KEY,
    STREAM,
    Coordinator,
    bearer,
    settings,
)
from tests.unit.functions.own_api import own_api

URL = "https://203.0.114.9/hook?for=city-radio"
OTHER = "http://203.0.114.11:8080/hook"


async def _set(
    coordinator: Coordinator, stream: dict[str, str], url: str | None, key: str | None = None
) -> httpx.Response:
    return await coordinator.client.post(
        f"/streams/{stream['stream_id']}/webhook",
        json={"webhook_url": url},
        headers=bearer(SPONSOR_KEY) | ({"Idempotency-Key": key} if key else {}),
    )


async def _seen(coordinator: Coordinator, stream: dict[str, str]) -> dict[str, Any]:
    answer = await coordinator.client.get(
        f"/streams/{stream['stream_id']}/webhook", headers=bearer(SPONSOR_KEY)
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_webhook_is_registered_with_its_stream(coordinator: Coordinator) -> None:
    """Its secret is shown, and it waits for the first statement."""
    stream = await coordinator.registered(webhook_url=URL)
    assert stream["webhook_secret"].startswith("whsec_")
    kept = await Webhooks(coordinator.money).of(stream["stream_id"])
    assert kept is not None
    assert (kept.url, kept.secret) == (URL, stream["webhook_secret"])
    assert kept.next_epoch == NOW_S // 3600
    assert kept.due_s == (NOW_S // 3600 + 1) * 3600 + 120
    seen = await _seen(coordinator, stream)
    assert (seen["webhook_url"], seen["state"]) == (URL, "waiting")


async def test_the_secret_is_shown_nowhere_else(coordinator: Coordinator) -> None:
    """Neither to the sponsor again, nor to anybody; nor does the URL leave the money's database."""
    stream = await coordinator.registered(webhook_url=URL)
    secret, path = stream["webhook_secret"], f"/streams/{stream['stream_id']}"
    for place in ("/streams", path, f"{path}/delivery", f"{path}/statements"):
        answer = await coordinator.client.get(place)
        assert secret not in answer.text
        assert URL not in answer.text
    assert secret not in str(await _seen(coordinator, stream))
    assert URL not in str(coordinator.measured._documents)


async def test_a_repeated_registration_answers_with_the_same_secret(
    coordinator: Coordinator,
) -> None:
    """And there is one webhook, from the beginning."""
    headers = {**bearer(SPONSOR_KEY), "Idempotency-Key": "7"}
    asked = {**STREAM, "webhook_url": URL}
    answers = [await coordinator.client.post("/streams", json=asked, headers=headers) for _ in "ab"]
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["webhook_secret"]
    other = {**STREAM, "webhook_url": OTHER}
    conflict = await coordinator.client.post("/streams", json=other, headers=headers)
    assert conflict.status_code == 409


async def test_a_registration_without_one_has_none(coordinator: Coordinator) -> None:
    """Which is said, with what to do."""
    stream = await coordinator.registered()
    assert stream["webhook_secret"] is None
    answer = await coordinator.client.get(
        f"/streams/{stream['stream_id']}/webhook", headers=bearer(SPONSOR_KEY)
    )
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-webhook")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://203.0.114.9/",
        "203.0.114.9/hook",
        "https://user:password@203.0.114.9/",
        "https://203.0.114.9/#part",
        "https://203.0.114.9:25/",
        "http://127.0.0.1:8080/hook",
        "https://10.0.0.1/hook",
        "https://169.254.169.254/",
        "https://[::1]/",
        "https://[fd00:ec2::254]/",
        "https://0x7f.1/",
        "https://203.0.114.9/\r\nHost: evil",
        "",
    ],
)
async def test_only_public_addresses_are_taken(coordinator: Coordinator, url: str) -> None:
    """With a sentence about the field, and no stream for it."""
    answer = await coordinator.client.post(
        "/streams", json={**STREAM, "webhook_url": url}, headers=bearer(SPONSOR_KEY)
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/address-refused")
    assert answer.json()["detail"].startswith("webhook_url: ")
    assert (await coordinator.client.get("/streams")).json()["streams"] == []
    stream = await coordinator.registered(webhook_url=URL)
    assert (await _set(coordinator, stream, url)).status_code == 422
    assert (await _seen(coordinator, stream))["webhook_url"] == URL


async def test_a_webhook_moves_and_goes_on_where_it_was(coordinator: Coordinator) -> None:
    """With the failures behind it, at once; the stream's later statements come as before."""
    stream = await coordinator.registered(webhook_url=URL)
    webhooks = Webhooks(coordinator.money)
    kept = await webhooks.of(stream["stream_id"])
    assert kept is not None
    failing = kept.model_copy(update={"next_epoch": kept.next_epoch + 5, "taken": 1})
    assert await webhooks.keep(kept, failing.failed(NOW_S, "answered with status 500"))
    assert (await _seen(coordinator, stream))["state"] == "failing"
    answer = await _set(coordinator, stream, OTHER)
    assert answer.status_code == 200, answer.text
    assert answer.json()["webhook_secret"] == stream["webhook_secret"]
    moved = await webhooks.of(stream["stream_id"])
    assert moved is not None
    assert (moved.url, moved.failures, moved.due_s) == (OTHER, 0, NOW_S)
    assert (moved.next_epoch, moved.taken) == (kept.next_epoch + 5, 1)


async def test_a_webhook_is_turned_off_and_on(coordinator: Coordinator) -> None:
    """Null is no URL; one that never was can be set later."""
    stream = await coordinator.registered()
    assert (await _set(coordinator, stream, URL)).json()["state"] == "waiting"
    off = (await _set(coordinator, stream, None)).json()
    assert (off["state"], off["webhook_url"], off["webhook_secret"]) == ("ended", None, None)
    assert await Webhooks(coordinator.money).due(NOW_S + 10**9) == []
    assert (await _set(coordinator, stream, URL)).json()["state"] == "waiting"


async def test_a_repeated_change_is_made_once(coordinator: Coordinator) -> None:
    """One that comes again after another does not take that one back."""
    stream = await coordinator.registered()
    first = await _set(coordinator, stream, URL, "7")
    assert (await _set(coordinator, stream, URL, "7")).json() == first.json()
    assert (await _set(coordinator, stream, OTHER, "8")).json()["webhook_url"] == OTHER
    late = await _set(coordinator, stream, URL, "7")
    assert (late.status_code, late.json()["webhook_url"]) == (200, OTHER)
    assert (await _set(coordinator, stream, None, "9")).json()["webhook_url"] is None
    late = await _set(coordinator, stream, OTHER, "8")
    assert (late.json()["webhook_url"], late.json()["webhook_secret"]) == (None, None)


@pytest.mark.parametrize("url", [OTHER, None])
async def test_an_idempotency_key_stands_for_one_url(
    coordinator: Coordinator, url: str | None
) -> None:
    """Another is a conflict, and changes nothing."""
    stream = await coordinator.registered()
    await _set(coordinator, stream, URL, "7")
    answer = await _set(coordinator, stream, url, "7")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/idempotency-conflict")
    assert (await _seen(coordinator, stream))["webhook_url"] == URL


async def test_a_webhook_remembers_the_latest_requests(coordinator: Coordinator) -> None:
    """Few, however often it is moved."""
    stream = await coordinator.registered()
    for at in range(20):
        await _set(coordinator, stream, f"{OTHER}{at}", f"key-{at}")
    kept = await Webhooks(coordinator.money).of(stream["stream_id"])
    assert kept is not None
    assert [request.partition(" ")[2] for request in kept.requests] == [
        f"{OTHER}{at}" for at in range(12, 20)
    ]


async def test_a_stream_of_another_sponsor_is_left_alone() -> None:
    """Neither seen nor moved."""
    money = MemoryStore(entered(ada=SPONSOR_KEY, bob="b" * 43))
    app = own_api(MemoryStore(), money, settings(), lambda: NOW_S)
    transport = httpx.ASGITransport(app=app, client=("203.0.114.7", 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        asked = {**STREAM, "webhook_url": URL}
        made = await client.post("/streams", json=asked, headers=bearer(SPONSOR_KEY))
        path = f"/streams/{made.json()['stream_id']}/webhook"
        for answer in (
            await client.get(path, headers=bearer("b" * 43)),
            await client.post(path, json={"webhook_url": None}, headers=bearer("b" * 43)),
        ):
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-your-stream")
        assert (await client.get(path)).status_code == 401


async def test_one_url_may_be_spelled_in_two_ways(coordinator: Coordinator) -> None:
    """A repetition is the same request, whatever its scheme's letters and its default port."""
    stream = await coordinator.registered(webhook_url=URL)
    first = await _set(coordinator, stream, "http://203.0.114.11:80/hook", "7")
    again = await _set(coordinator, stream, "HTTP://203.0.114.11/hook", "7")
    assert (again.status_code, again.json()) == (200, first.json())
