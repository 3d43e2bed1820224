"""What every answer has, whatever the route."""

import json

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from agent.client.signing import Bearer
from api.http.edge import Edge
from api.http.problems import ProblemKind
from coordinator.adapters.log import Log
from coordinator.adapters.store.protocol import Ref
from tests.doubles.memory import MemoryStore
from tests.unit.functions.conftest import (
    ADDRESS,
    NOW_S,
    SPONSOR_KEY,
    STREAM,
    Coordinator,
    bearer,
    settings,
)
from tests.unit.functions.own_api import own_api

READS = ["/", "/streams", "/nodes", "/healthz", "/openapi.json", "/docs", "/style.css"]


@pytest.mark.parametrize("path", READS)
async def test_an_unchanged_answer_is_not_sent_again(coordinator: Coordinator, path: str) -> None:
    """A client that names its version gets 304 and no body."""
    first = await coordinator.client.get(path)
    again = await coordinator.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("path", [*READS, "/streams/s404"])
async def test_head_is_get_without_the_body(coordinator: Coordinator, path: str) -> None:
    """Same status, same headers."""
    got = await coordinator.client.get(path)
    head = await coordinator.client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers.get("content-length") == got.headers.get("content-length")
    assert head.headers.get("etag") == got.headers.get("etag")


async def test_every_answer_has_a_request_id(coordinator: Coordinator) -> None:
    """The caller's own, if it is fit to stand in a log."""
    mine = await coordinator.client.get("/streams", headers={"X-Request-Id": "request-7"})
    assert mine.headers["x-request-id"] == "request-7"
    unfit = await coordinator.client.get("/nowhere", headers={"X-Request-Id": "a b\tc" * 30})
    assert 8 <= len(unfit.headers["x-request-id"]) <= 64


async def test_other_origins_may_read(coordinator: Coordinator) -> None:
    """And may not be led to write."""
    answer = await coordinator.client.get("/streams", headers={"Origin": "https://fans.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    preflight = await coordinator.client.options("/streams")
    assert preflight.status_code == 204
    assert "POST" not in preflight.headers["access-control-allow-methods"]
    allowed = preflight.headers["access-control-allow-headers"]
    assert allowed == "If-None-Match, X-Request-Id"  # and no key


async def test_errors_and_writes_are_not_cached(coordinator: Coordinator) -> None:
    """A publishing key above all."""
    made = await coordinator.client.post("/streams", json=STREAM, headers=bearer(SPONSOR_KEY))
    missing = await coordinator.client.get("/streams/s404")
    assert made.headers["cache-control"] == missing.headers["cache-control"] == "no-store"
    assert "etag" not in made.headers


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_of_another_kind_is_415(coordinator: Coordinator, kind: str) -> None:
    """Also because a page of another origin could send it without asking."""
    answer = await coordinator.client.post(
        "/streams", content=b"{}", headers={**bearer(SPONSOR_KEY), "Content-Type": kind}
    )
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")


async def test_whoever_calls_too_often_is_told_when_to_come_back(coordinator: Coordinator) -> None:
    """The clock stands still here, so the burst is all there is; another key has its own."""
    answers = [
        await coordinator.client.get("/streams", headers=bearer("key-a")) for _ in range(102)
    ]
    assert [a.status_code for a in answers] == [200] * 100 + [429] * 2
    assert answers[-1].json()["type"] == "/problems/too-many-requests"
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert (await coordinator.client.get("/", headers=bearer("key-b"))).status_code == 200
    coordinator.now_s[0] += 1
    assert (await coordinator.client.get("/", headers=bearer("key-a"))).status_code == 200


async def test_an_address_has_a_limit_of_its_own(coordinator: Coordinator) -> None:
    """Four times a key's, whatever keys it shows; a refused call costs nothing."""
    answers = [
        await coordinator.client.get("/healthz", headers=bearer(f"key-{at}")) for at in range(402)
    ]
    assert [a.status_code for a in answers] == [200] * 400 + [429] * 2
    coordinator.now_s[0] += 0.025
    assert (await coordinator.client.get("/healthz")).status_code == 200


async def test_one_key_that_calls_too_often_shuts_nobody_out(coordinator: Coordinator) -> None:
    """What its address may is not used up by calls that were refused: others live there too."""
    for _ in range(700):
        answer = await coordinator.client.get("/healthz", headers=bearer("key-a"))
    assert answer.status_code == 429
    assert (await coordinator.client.get("/healthz", headers=bearer("key-b"))).status_code == 200


@pytest.mark.parametrize("kind", ProblemKind)
async def test_every_problem_is_explained_where_its_type_says(
    coordinator: Coordinator, kind: ProblemKind
) -> None:
    """A type is an address: it leads to its own row of a page."""
    answer = await coordinator.client.get(kind.type)
    page, _, row = answer.headers["location"].partition("#")
    assert (answer.status_code, page, row) == (308, "/about", kind.value)
    assert f'id="{row}"' in (await coordinator.client.get(page)).text


async def test_no_page_explains_what_is_no_problem(coordinator: Coordinator) -> None:
    """Nor does anything lead away from here."""
    answer = await coordinator.client.get("/problems/none")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-route")


async def test_json_with_a_charset_is_json(coordinator: Coordinator) -> None:
    """Parameters do not matter."""
    answer = await coordinator.client.post(
        "/streams",
        content=b'{"name": "S", "token_balance": "7", "reward_per_node_hour": "1"}',
        headers={**bearer(SPONSOR_KEY), "Content-Type": "Application/JSON; charset=utf-8"},
    )
    assert answer.status_code == 201


async def test_options_names_the_methods_of_the_path(coordinator: Coordinator) -> None:
    """Exactly those; a path of its own is not the variable one that would fit as well."""
    for path, methods in {
        "/streams": "GET, HEAD, OPTIONS, POST",
        "/streams/s3": "GET, HEAD, OPTIONS",
        "/nodes/heartbeat": "OPTIONS, POST",
        "/nowhere": "GET, HEAD, OPTIONS",
    }.items():
        answer = await coordinator.client.options(path)
        assert (answer.status_code, answer.headers["allow"]) == (204, methods)


async def test_a_wrong_method_is_told_every_right_one(coordinator: Coordinator) -> None:
    """Also where two routes share a path."""
    answer = await coordinator.client.delete("/streams")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")


async def test_an_unforeseen_error_is_a_problem_and_a_line_in_the_log(
    coordinator: Coordinator, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its trace for us, and nothing of it for the caller."""
    await coordinator.measured.put(Ref("streams", "s3"), {"created_s": "not a number"})
    answer = await coordinator.client.get("/streams")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal")
    assert "not a number" not in answer.text
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["severity"], line["message"], line["path"]) == (
        "ERROR",
        "request_failed",
        "/streams",
    )
    assert line["request_id"] == answer.headers["x-request-id"]
    assert "UnreadableError" in line["stack_trace"]


async def test_an_unforeseen_error_of_a_heartbeat_is_a_problem_too(
    coordinator: Coordinator, capsys: pytest.CaptureFixture[str]
) -> None:
    """The agent reads problems only."""
    await coordinator.measured.put(Ref("projections", "network-0"), {"of": "nobody's making"})
    beat = {"stream_id": "s3", "stats_port": 8080, "rtmp_port": 1935, "address": ADDRESS}
    signed = coordinator.signed()
    answer = await coordinator.client.post("/nodes/heartbeat", json=beat, auth=signed)
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["path"] == "/nodes/heartbeat"


async def test_of_an_answer_that_fails_half_way_nothing_is_sent() -> None:
    """The caller gets a whole problem, and no part of what was to be the answer."""

    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half an", "more_body": True})
        raise ValueError("nobody foresaw this")

    transport = httpx.ASGITransport(app=Edge(fails, [], Log("api", "ERROR")))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        answer = await client.get("/streams")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal")


@pytest.mark.parametrize(
    ("proxies", "told", "is_told"),
    [
        ("1", "https", True),
        ("1", "http, https", True),
        ("1", "https, http", False),
        ("1", "http", False),
        ("0", "https", False),
    ],
)
async def test_who_comes_by_https_is_told_to_stay_there(
    proxies: str, told: str, is_told: bool
) -> None:
    """And links lead back by https; as our own proxy says, whatever the caller writes."""
    app = own_api(MemoryStore(), MemoryStore(), settings(TRUSTED_PROXIES=proxies), lambda: NOW_S)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        answer = await client.get("/", headers={"X-Forwarded-Proto": told})
        missing = await client.get("/nowhere", headers={"X-Forwarded-Proto": told})
    for one in (answer, missing):
        assert ("strict-transport-security" in one.headers) is is_told
    assert ("https://api.example" in answer.text) is is_told


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe{\x00}\x00",
        b"\xff",
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b"[" * 60_000,
        b"1" * 5_000,
        b"{'name': 1}",
        b'{"name": "a", "name": "b"}',
        b'{"x": [{"y": 1, "y": 1}]}',
        b'{"name": "a\nb"}',
        b"name=a",
    ],
)
@pytest.mark.parametrize("path", ["/streams", "/nodes/heartbeat"])
async def test_a_body_that_is_no_json_is_malformed(
    coordinator: Coordinator, path: str, body: bytes
) -> None:
    """400 on every route; 422 says that the JSON means nothing."""
    auth = coordinator.signed() if path.startswith("/nodes") else Bearer(SPONSOR_KEY)
    headers = {"Content-Type": "application/json"}
    answer = await coordinator.client.post(path, content=body, headers=headers, auth=auth)
    assert answer.json()["type"] == "/problems/malformed-body"
    assert answer.status_code == 400
