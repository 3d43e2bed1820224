"""Sponsors register streams; everybody may see them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api.wire.common import timestamp
from coordinator.keys import sha256_hex
from tests.unit.functions.conftest import (
    INGEST_KEY,
    NOW_S,
    SPONSOR_KEY,
    STREAM,
    Coordinator,
    bearer,
)


def _problem(answer: httpx.Response, status: int, kind: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"/problems/{kind}"
    assert body["status"] == status
    assert body["detail"]
    assert "Traceback" not in answer.text


async def test_a_sponsor_registers_a_stream(coordinator: Coordinator) -> None:
    """And gets everything needed to publish and to watch."""
    stream = await coordinator.registered()
    assert stream["status"] == "active"
    assert stream["balance"] == "1000"
    assert stream["ingest_url"] == f"rtmp://203.0.113.5:1935/live/{stream['stream_id']}"
    assert stream["publish_url"].startswith(stream["ingest_url"] + "?key=")
    assert stream["play_url"].endswith("/playlist.m3u")


async def test_the_publishing_key_is_shown_once(coordinator: Coordinator) -> None:
    """Only its hash is kept, and no other answer holds it."""
    stream = await coordinator.registered()
    key = stream["publish_url"].partition("?key=")[2]
    for path in ("/streams", f"/streams/{stream['stream_id']}"):
        assert key not in (await coordinator.client.get(path)).text
    stored = await coordinator.measurements.stream(stream["stream_id"])
    assert stored is not None
    assert stored.key_hash == sha256_hex(key)


async def test_a_repeated_registration_is_the_same_stream(coordinator: Coordinator) -> None:
    """Same Idempotency-Key and body: the same answer, and one deposit."""
    headers = {**bearer(SPONSOR_KEY), "Idempotency-Key": "7"}
    answers = [
        await coordinator.client.post("/streams", json=STREAM, headers=headers) for _ in range(3)
    ]
    assert len({answer.text for answer in answers}) == 1
    assert len((await coordinator.client.get("/streams")).json()["streams"]) == 1


async def test_an_idempotency_key_stands_for_one_body(coordinator: Coordinator) -> None:
    """Another body is a conflict, not a second stream."""
    headers = {**bearer(SPONSOR_KEY), "Idempotency-Key": "7"}
    await coordinator.client.post("/streams", json=STREAM, headers=headers)
    other = {**STREAM, "token_balance": "13"}
    answer = await coordinator.client.post("/streams", json=other, headers=headers)
    _problem(answer, 409, "idempotency-conflict")


async def test_a_registration_cut_off_before_its_deposit_is_completed(
    coordinator: Coordinator,
) -> None:
    """By repeating it: stream and balance are two writes in two databases."""
    headers = {**bearer(SPONSOR_KEY), "Idempotency-Key": "7"}
    first = (await coordinator.client.post("/streams", json=STREAM, headers=headers)).json()
    coordinator.money._documents.clear()  # what a crash in between leaves
    again = await coordinator.client.post("/streams", json=STREAM, headers=headers)
    assert again.json()["balance"] == first["balance"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"token_balance": "-5"}, "token_balance"),
        ({"token_balance": "0"}, "token_balance"),
        ({"token_balance": "1.0000001"}, "token_balance"),
        ({"token_balance": "1" + "0" * 23}, "token_balance"),
        ({"token_balance": 12.5}, "token_balance"),
        ({"token_balance": True}, "token_balance"),
        ({"token_balance": None}, "token_balance"),
        ({"token_balance": ["1"]}, "token_balance"),
        ({"reward_per_node_hour": "0"}, "reward_per_node_hour"),
        ({"reward_per_node_hour": "NaN"}, "reward_per_node_hour"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": 7}, "name"),
        ({"name": "two\nlines"}, "one line"),
        ({"name": "two\u2028lines"}, "one line"),
        ({"name": " \u00a0"}, "not only spaces"),
        ({"name": "no badge \ufffe"}, "one line"),
        ({"max_paid_nodes": 0}, "max_paid_nodes"),
        ({"max_paid_nodes": "5"}, "max_paid_nodes"),
        ({"max_paid_nodes": 10**6}, "max_paid_nodes"),
        ({"ends_at": "tomorrow"}, "ends_at"),
        ({"ends_at": "2026-12-01T20:00:00"}, "offset"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "future"),
        ({"ends_at": "9999-12-31T23:59:59.9999Z"}, "9999"),
        ({"ends_at": "9999-12-31T23:59:59-23:59"}, "9999"),
        ({"sponsor": "mallory"}, "sponsor"),
    ],
)
async def test_a_wrong_registration_says_what_is_wrong(
    coordinator: Coordinator, change: dict[str, object], where: str
) -> None:
    """One field each, and nothing is kept."""
    answer = await coordinator.client.post(
        "/streams", json={**STREAM, **change}, headers=bearer(SPONSOR_KEY)
    )
    _problem(answer, 422, "invalid-request")
    assert where in answer.json()["detail"]
    assert (await coordinator.client.get("/streams")).json()["streams"] == []


async def test_a_stream_begins_before_it_ends_and_its_registration_may_be_repeated_after(
    coordinator: Coordinator,
) -> None:
    """An Idempotency-Key lets nobody register what is over."""
    headers = {**bearer(SPONSOR_KEY), "Idempotency-Key": "7"}
    asked = {**STREAM, "ends_at": "2026-12-01T20:00:00Z"}
    first = await coordinator.client.post("/streams", json=asked, headers=headers)
    coordinator.now_s[0] = NOW_S + 400 * 86_400
    again = await coordinator.client.post("/streams", json=asked, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["stream_id"] == first.json()["stream_id"]
    headers["Idempotency-Key"] = "13"
    late = await coordinator.client.post("/streams", json=asked, headers=headers)
    _problem(late, 422, "invalid-request")
    assert len((await coordinator.client.get("/streams")).json()["streams"]) == 1


async def test_whole_tokens_may_be_a_json_number(coordinator: Coordinator) -> None:
    """An integer is exact."""
    assert (await coordinator.registered(token_balance=77))["balance"] == "77"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 422), (b"null", 422), (b"\xff\xfe", 400), (b'"text"', 422)],
)
async def test_a_body_that_is_no_object_is_refused(
    coordinator: Coordinator, body: bytes, status: int
) -> None:
    """With one clear sentence, never a 500: what is no JSON, and what is other JSON."""
    headers = {**bearer(SPONSOR_KEY), "Content-Type": "application/json"}
    answer = await coordinator.client.post("/streams", content=body, headers=headers)
    _problem(answer, status, "malformed-body" if status == 400 else "invalid-request")


@pytest.mark.parametrize("chunk", [None, 1_000, 65_536])
async def test_a_body_may_have_64_kib_and_no_byte_more(
    coordinator: Coordinator, chunk: int | None
) -> None:
    """Declared, or in chunks of a size that divides the limit or does not."""
    headers = {**bearer(SPONSOR_KEY), "Content-Type": "application/json"}
    answers = []
    for size in (65_536, 65_537):
        body = json.dumps(STREAM).encode().ljust(size)
        content = _chunks(body, chunk) if chunk else body
        answers.append(await coordinator.client.post("/streams", content=content, headers=headers))
    assert answers[0].status_code == 201
    _problem(answers[1], 413, "body-too-large")


async def _chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({}, 401, "key-missing"),
        ({"Authorization": "Basic YTpi"}, 401, "key-missing"),
        ({"Authorization": "Bearer "}, 401, "key-missing"),
        (bearer("a-key-that-nobody-was-given"), 403, "key-unknown"),
    ],
)
async def test_only_sponsors_register(
    coordinator: Coordinator, headers: dict[str, str], status: int, kind: str
) -> None:
    """Without a key, or with an unknown one, nothing happens."""
    _problem(await coordinator.client.post("/streams", json=STREAM, headers=headers), status, kind)


async def test_an_unknown_stream_is_not_found(coordinator: Coordinator) -> None:
    """On every route that names one, with any text."""
    for stream_id in ("s404", "%2E%2E", "%00", "x" * 300, "ünï"):
        for tail in ("", "/playlist.m3u", "/statements", "/statements/7"):
            answer = await coordinator.client.get(f"/streams/{stream_id}{tail}")
            assert answer.status_code == 404, answer.text
            assert answer.headers["content-type"] == "application/problem+json"


async def test_streams_come_in_pages(coordinator: Coordinator) -> None:
    """Each stream once, and an end."""
    made = {(await coordinator.registered(name=f"S{i}"))["stream_id"] for i in range(7)}
    seen: list[str] = []
    token: str | None = ""
    while token is not None:
        answer = await coordinator.client.get(
            "/streams", params={"page_size": 3, "page_token": token}
        )
        seen += [stream["stream_id"] for stream in answer.json()["streams"]]
        token = answer.json()["next_page_token"]
    assert len(seen) == 7
    assert set(seen) == made


async def test_the_ingest_asks_who_may_publish(coordinator: Coordinator) -> None:
    """The right key may; a wrong one, a foreign one or an unknown stream may not."""
    stream, other = await coordinator.registered(), await coordinator.registered()
    key = stream["publish_url"].partition("?key=")[2]

    async def ask(stream_id: str, stream_key: str, ingest_key: str = INGEST_KEY) -> httpx.Response:
        return await coordinator.client.post(
            "/ingest/publish",
            json={"stream_id": stream_id, "stream_key": stream_key},
            headers=bearer(ingest_key),
        )

    assert (await ask(stream["stream_id"], key)).status_code == 204
    _problem(await ask(stream["stream_id"], "wrong"), 403, "stream-key-wrong")
    _problem(await ask(other["stream_id"], key), 403, "stream-key-wrong")
    _problem(await ask("s404", key), 403, "stream-key-wrong")
    _problem(await ask(stream["stream_id"], key, "not-the-ingest"), 403, "key-unknown")


async def _described(coordinator: Coordinator, stream_id: str, **media: object) -> httpx.Response:
    body = {"stream_id": stream_id, **media}
    return await coordinator.client.post("/ingest/media", json=body, headers=bearer(INGEST_KEY))


async def _media(coordinator: Coordinator, stream_id: str) -> Any:
    return (await coordinator.client.get(f"/streams/{stream_id}")).json()["media"]


async def test_what_viewers_cannot_play_is_named_at_publish(coordinator: Coordinator) -> None:
    """At once, to the ingest and to whoever asks for the stream."""
    stream_id = (await coordinator.registered())["stream_id"]
    assert await _media(coordinator, stream_id) is None
    answer = await _described(
        coordinator, stream_id, video="H264", audio="MP3", key_interval_ms=12_000
    )
    assert answer.status_code == 200
    sound, keys = answer.json()["warnings"]
    assert sound.startswith("The sound is MP3")
    assert keys.startswith("Key frames are 12.0 s apart")
    assert await _media(coordinator, stream_id) == {
        "video": "H.264",
        "audio": "MP3",
        "key_interval_ms": 12_000,
        "since": timestamp(NOW_S),
        "warnings": [sound, keys],
    }


async def test_a_change_in_mid_stream_takes_the_warning_away(coordinator: Coordinator) -> None:
    """`since` is when it became so: what is no news does not move it."""
    stream_id = (await coordinator.registered())["stream_id"]
    await _described(coordinator, stream_id, video="H264", audio="MP3")
    coordinator.now_s[0] += 60
    await _described(coordinator, stream_id, video="H264", audio="AAC", key_interval_ms=2_000)
    coordinator.now_s[0] += 60
    answer = await _described(coordinator, stream_id, video="H264", audio="AAC")
    assert answer.json() == {"warnings": []}
    media = await _media(coordinator, stream_id)
    assert (media["warnings"], media["since"]) == ([], timestamp(NOW_S + 60))


async def test_only_the_ingest_says_what_is_published(coordinator: Coordinator) -> None:
    stream_id = (await coordinator.registered())["stream_id"]
    body = {"stream_id": stream_id, "video": "H264"}
    refused = await coordinator.client.post(
        "/ingest/media", json=body, headers=bearer("not-the-ingest")
    )
    _problem(refused, 403, "key-unknown")
    _problem(await _described(coordinator, "s404", video="H264"), 404, "unknown-stream")
    assert await _media(coordinator, stream_id) is None


@pytest.mark.parametrize(
    "media",
    [
        {"video": "x" * 17},
        {"video": "av\n1"},
        {"audio": "ünöp"},
        {"audio": "\x7f"},
        {"key_interval_ms": -1},
        {"key_interval_ms": 2**31 + 1},
        {"key_interval_ms": "2000"},
        {"thumbnail": "x"},
    ],
)
async def test_a_description_that_no_ingest_gives_is_refused(
    coordinator: Coordinator, media: dict[str, object]
) -> None:
    stream_id = (await coordinator.registered())["stream_id"]
    _problem(await _described(coordinator, stream_id, **media), 422, "invalid-request")
    assert await _media(coordinator, stream_id) is None


async def test_a_report_that_is_no_news_writes_nothing(coordinator: Coordinator) -> None:
    stream_id = (await coordinator.registered())["stream_id"]
    await _described(coordinator, stream_id, video="H264", audio="AAC", key_interval_ms=4_000)
    before = await coordinator.measurements.money_projection()
    await _described(coordinator, stream_id, video="H264", audio="AAC", key_interval_ms=2_000)
    assert await coordinator.measurements.money_projection() == before


async def test_the_ingest_says_by_which_key_it_signs(coordinator: Coordinator) -> None:
    """Everybody is told; whoever may not publish, or is no ingest, changes nothing."""
    stream = await coordinator.registered()
    stream_id, key = stream["stream_id"], stream["publish_url"].partition("?key=")[2]
    assert stream["ingest_public_key"] is None

    async def publish(public_key: str | None, stream_key: str = key) -> int:
        asked = {"stream_id": stream_id, "stream_key": stream_key, "ingest_public_key": public_key}
        answer = await coordinator.client.post(
            "/ingest/publish", json=asked, headers=bearer(INGEST_KEY)
        )
        return answer.status_code

    async def told() -> object:
        answer = await coordinator.client.get(f"/streams/{stream_id}")
        return answer.json()["ingest_public_key"]

    first, second = "A" * 43, "B" * 43
    assert (await publish(first), await told()) == (204, first)
    assert (await publish(second, "wrong"), await told()) == (403, first)
    assert (await publish("short"), await told()) == (422, first)
    assert (await publish(second), await told()) == (204, second)
    page = (await coordinator.client.get(f"/s/{stream_id}")).text
    assert second in page
    # An ingest with another engine, or an older one, signs nothing.
    assert (await publish(None), await told()) == (204, None)


@pytest.mark.parametrize(
    ("wanted", "ends"),
    [
        ("2026-11-22T00:00:40Z", "2026-11-22T02:00:00Z"),
        ("2026-11-22T02:00:00Z", "2026-11-22T02:00:00Z"),
        ("2026-11-22T02:00:00.5Z", "2026-11-22T03:00:00Z"),
        ("2026-12-01T20:44:00+01:00", "2026-12-01T20:00:00Z"),
    ],
)
async def test_a_stream_ends_with_an_epoch(
    coordinator: Coordinator, wanted: str, ends: str
) -> None:
    """Or many short ones would be served for nothing, each until its first checks."""
    assert (await coordinator.registered(ends_at=wanted))["ends_at"] == ends


async def test_nobody_publishes_an_ended_stream(coordinator: Coordinator) -> None:
    """Its end is part of the registration."""
    stream = await coordinator.registered(ends_at="2027-01-01T00:00:00Z")
    coordinator.now_s[0] = NOW_S + 400 * 86_400
    key = stream["publish_url"].partition("?key=")[2]
    answer = await coordinator.client.post(
        "/ingest/publish",
        json={"stream_id": stream["stream_id"], "stream_key": key},
        headers=bearer(INGEST_KEY),
    )
    _problem(answer, 409, "stream-closed")


async def test_a_playlist_without_verified_nodes_says_so(coordinator: Coordinator) -> None:
    """And is a playlist all the same."""
    stream = await coordinator.registered()
    answer = await coordinator.client.get(stream["play_url"])
    assert answer.text.startswith("#EXTM3U\n#")
    assert answer.headers["content-type"].startswith("audio/x-mpegurl")


async def test_unknown_routes_and_methods_are_problems(coordinator: Coordinator) -> None:
    """The framework's own errors speak the same language."""
    _problem(await coordinator.client.get("/nowhere"), 404, "unknown-route")
    wrong = await coordinator.client.delete("/streams")
    _problem(wrong, 405, "method-not-allowed")
    assert "GET" in wrong.headers["allow"] or "POST" in wrong.headers["allow"]


@pytest.mark.parametrize("path", ["/health", "/healthz"])
async def test_a_store_that_does_not_answer_is_503(coordinator: Coordinator, path: str) -> None:
    """Our fault, said as such, and worth another try."""
    await coordinator.measured.close()
    answer = await coordinator.client.get(path)
    _problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"]


@pytest.mark.parametrize("name", ["\u202egnp.egats", "\u3164", "\u200b", "\u0301", "a\u2066b"])
async def test_a_name_that_shows_nothing_or_something_else_is_refused(
    coordinator: Coordinator, name: str
) -> None:
    """With the character that is wrong, and before anything is kept."""
    asked = {**STREAM, "name": name}
    answer = await coordinator.client.post("/streams", json=asked, headers=bearer(SPONSOR_KEY))
    _problem(answer, 422, "invalid-request")
    assert answer.json()["detail"].startswith("name: ")
    assert (await coordinator.client.get("/streams")).json()["streams"] == []


async def test_a_repetition_may_be_spelled_otherwise(coordinator: Coordinator) -> None:
    """An Idempotency-Key stands for values: amounts, instants and addresses, not their text."""
    headers = {**bearer(SPONSOR_KEY), "Idempotency-Key": "7"}
    asked = {
        "name": "Stage",
        "token_balance": "1000",
        "reward_per_node_hour": "1.5",
        "max_paid_nodes": 100,
        "ends_at": "2026-12-24T20:00:00Z",
        "webhook_url": "https://203.0.114.9/hook",
    }
    spelled = {
        "name": "Stage",
        "token_balance": "1000.0",
        "reward_per_node_hour": "1.50",
        "max_paid_nodes": 100.0,
        "ends_at": "2026-12-24T21:00:00.000+01:00",
        "webhook_url": "HTTPS://203.0.114.9:443/hook",
    }
    first = await coordinator.client.post("/streams", json=asked, headers=headers)
    assert first.status_code == 201, first.text
    for name, value in spelled.items():
        again = await coordinator.client.post(
            "/streams", json={**asked, name: value}, headers=headers
        )
        assert again.json() == first.json(), name
    others = {"name": "stage", "token_balance": "1000.000001", "webhook_url": None}
    for name, other in {**others, "ends_at": "2026-12-24T20:00:01Z"}.items():
        answer = await coordinator.client.post(
            "/streams", json={**asked, name: other}, headers=headers
        )
        _problem(answer, 409, "idempotency-conflict")
