"""A handler that its route calls itself answers as if FastAPI had called it, byte for byte."""

import json
from collections.abc import AsyncIterator
from typing import Annotated

import pytest
from fastapi import FastAPI, Request, Security
from httpx import ASGITransport, AsyncClient, Headers

from api.http import error_handlers as errors
from api.http.callers import Sponsor, SponsorKey
from api.http.plain_calls import PlainCall
from api.http.problems import Problem, ProblemKind
from api.http.route import Route
from api.wire.nodes import HeartbeatIn, PortOut
from coordinator.keys import sha256_hex
from tests.doubles.memory import MemoryStore
from tests.unit.functions.conftest import SPONSOR_KEY, bearer, settings
from tests.unit.functions.own_api import own_api

GOOD = {"stream_id": "s3", "stats_port": 8080, "rtmp_port": 1935, "agent": "0.1.0"}
KEYS = {
    "good": f"Bearer {SPONSOR_KEY}",
    "other case": f"bEARER  {SPONSOR_KEY} ",
    "none": "",
    "another scheme": f"Basic {SPONSOR_KEY}",
    "one short": f"Bearer {SPONSOR_KEY[:-1]}",
    "one long": f"Bearer {SPONSOR_KEY}A",
    "padded": f"Bearer {SPONSOR_KEY}=",
    "two": f"Bearer {SPONSOR_KEY} {SPONSOR_KEY}",
    "not ASCII": "Bearer " + "é" * 43,
    "full-width": "Bearer " + "\uff21" * 43,
}
KINDS = {
    "usual": "application/json",
    "with a charset": "application/json; charset=utf-8",
    "with a wrong charset": "application/json; charset=utf-16",
    "upper case": "APPLICATION/JSON",
    "spaces": " application/json ",
    "a suffix": "application/problem+json",
    "two": "application/json, text/html",
    "text": "text/plain",
    "none": "",
}


def _with(**fields: object) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


BODIES = {
    "good": _with(),
    "everything": _with(engine="restream", state="leaving", repeats=True),
    "spaces around": b" \r\n\t" + _with() + b"\n ",
    "empty": b"",
    "null": b"null",
    "a list": b"[" + _with() + b"]",
    "a string of it": json.dumps(_with().decode()).encode(),
    "cut off": _with()[:-1],
    "twice": _with() * 2,
    "a byte-order mark": b"\xef\xbb\xbf" + _with(),
    "UTF-16": _with().decode().encode("utf-16"),
    "UTF-32": _with().decode().encode("utf-32"),
    "Latin-1": b'{"stream_id": "\xe9"}',
    "overlong UTF-8": b'{"stream_id": "\xc0\xae"}',
    "a zero byte": _with() + b"\0",
    "a lone surrogate": _with(agent="?").replace(b"?", b"\\ud800"),
    "a surrogate pair": _with(agent="?").replace(b"?", b"\\ud83d\\ude00"),
    "emoji": _with(agent="\U0001f642" * 40),
    "too many letters": _with(agent="x" * 41),
    "a line break in a string": b'{"stream_id": "s\n3", "stats_port": 80, "rtmp_port": 1}',
    "a line break behind the name": _with(stream_id="s3\n"),
    "the same field twice": b'{"rtmp_port": 0, ' + _with()[1:],
    "an unknown field": _with(node_id="n1"),
    "a missing field": b'{"stats_port": 8080, "rtmp_port": 1935}',
    "both addresses": _with(stats_url="http://192.0.2.5/"),
    "no address": _with(stats_port=None),
    "a port of 0": _with(rtmp_port=0),
    "a port of 65,536": _with(rtmp_port=65_536),
    "a port as a float": _with(rtmp_port=1935.0),
    "a port as a string": _with(rtmp_port="1935"),
    "a port as a truth": _with(rtmp_port=True),
    "a truth as a number": _with(repeats=1),
    "a truth as a string": _with(repeats="true"),
    "an exponent": _with().replace(b"1935", b"1935e0"),
    "minus nought": _with().replace(b"1935", b"-0"),
    "infinity": _with().replace(b"1935", b"Infinity"),
    "no number": _with().replace(b"1935", b"NaN"),
    "a huge number": _with().replace(b"1935", b"9" * 400),
    "a number of 5,000 digits": _with().replace(b"1935", b"9" * 5_000),
    "a huge exponent": _with().replace(b"1935", b"1e999999"),
    "deep": b"[" * 30_000,
    "deep and closed": b'{"stream_id":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "another state": _with(state="RUNNING"),
    "an address with a quote": _with(stream_id="s3'--"),
    "the longest that is read": _with() + b" " * (65_536 - len(_with())),
    "too long": _with() + b" " * (65_537 - len(_with())),
}


async def _ada(key_hash: str) -> str | None:
    return "ada" if key_hash == sha256_hex(SPONSOR_KEY) else None


class CountingKey(SponsorKey):
    """A sponsor's key that counts how often FastAPI asks for it."""

    asked = 0

    def __init__(self) -> None:
        super().__init__(_ada)

    async def __call__(self, request: Request) -> Sponsor:
        self.asked += 1
        return Sponsor(*await super().__call__(request))


@pytest.fixture
def asked_key() -> CountingKey:
    """The key of both routes."""
    return CountingKey()


@pytest.fixture
async def client(asked_key: CountingKey) -> AsyncIterator[AsyncClient]:
    """One handler on two routes: FastAPI calls the second, because it has one parameter more."""
    app = FastAPI(title="two routes")
    app.router.route_class = Route
    errors.install(app)

    async def told(
        beat: HeartbeatIn, request: Request, sponsor: Annotated[Sponsor, Security(asked_key)]
    ) -> PortOut:
        if beat.state == "leaving":
            raise Problem(ProblemKind.UNKNOWN_STREAM, f"{beat.stream_id}: of {sponsor.name}")
        return PortOut(open=beat.repeats, says=f"{sponsor.name} {beat!r} {request.method}")

    app.post("/plain")(told)

    @app.post("/usual")
    async def usual(
        beat: HeartbeatIn,
        request: Request,
        sponsor: Annotated[Sponsor, Security(asked_key)],
        again: int | None = None,
    ) -> PortOut:
        assert again is None
        return await told(beat, request, sponsor)

    found = {route.path: PlainCall.of(route) for route in app.routes if isinstance(route, Route)}
    assert (found["/plain"] is not None, found["/usual"] is not None) == (True, False)
    transport = ASGITransport(app=app)
    async with AsyncClient(transport=transport, base_url="http://api.example") as opened:
        yield opened


def _headers(key: str, kind: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", KEYS[key].encode()), (b"content-type", KINDS[kind].encode())]


async def _both(
    client: AsyncClient, body: str, key: str = "good", kind: str = "usual"
) -> tuple[int, bytes]:
    headers = _headers(key, kind)
    plain, usual = [
        await client.post(path, content=BODIES[body], headers=headers)
        for path in ("/plain", "/usual")
    ]
    assert plain.status_code == usual.status_code
    assert plain.content == usual.content.replace(b"/usual", b"/plain")  # problems name the path
    assert plain.headers.multi_items() == usual.headers.multi_items()
    return plain.status_code, plain.content


@pytest.mark.parametrize("body", BODIES)
async def test_any_body_has_one_answer(client: AsyncClient, body: str) -> None:
    """Right, nearly right, or far from it."""
    status, _ = await _both(client, body)
    assert status in (200, 400, 404, 413, 422)


@pytest.mark.parametrize("kind", KINDS)
async def test_any_content_type_has_one_answer(client: AsyncClient, kind: str) -> None:
    """With a body that would do."""
    status, _ = await _both(client, "good", kind=kind)
    assert status in (200, 415)


@pytest.mark.parametrize("key", KEYS)
async def test_any_key_has_one_answer(client: AsyncClient, key: str) -> None:
    """Before the body is looked at."""
    for body in ("good", "cut off", "too long"):
        status, _ = await _both(client, body, key)
        is_known = key in ("good", "other case")
        assert (status not in (401, 403)) == is_known


async def test_only_what_is_not_right_goes_on_to_fastapi(
    client: AsyncClient, asked_key: CountingKey
) -> None:
    """Which then asks for everything once more."""
    for body, asked in (("good", 0), ("everything", 0), ("cut off", 0), ("an unknown field", 1)):
        asked_key.asked = 0
        await client.post("/plain", content=BODIES[body], headers=_headers("good", "usual"))
        assert asked_key.asked == asked, body


async def test_a_body_that_no_header_tells_of_has_one_answer(client: AsyncClient) -> None:
    """No server passes one on; it is no JSON, since nothing says so."""
    answers = []
    for path in ("/plain", "/usual"):
        request = client.build_request("POST", path, content=BODIES["good"])
        request.headers = Headers({"authorization": KEYS["good"]})
        answers.append(await client.send(request))
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].content == answers[1].content


async def test_the_handler_is_told_what_was_sent(client: AsyncClient) -> None:
    """The body, the request, and whose key it was."""
    status, content = await _both(client, "good")
    beat = HeartbeatIn.model_validate_json(BODIES["good"])
    assert status == 200
    assert json.loads(content) == {"open": False, "says": f"ada {beat!r} POST"}


def _api() -> FastAPI:
    return own_api(MemoryStore(), MemoryStore(), settings(), lambda: 0.0).routes


def test_heartbeats_are_called_so() -> None:
    """They are nearly all requests; whoever wants more of its request is called by FastAPI."""
    routes = [route for route in _api().routes if isinstance(route, Route)]
    plain = {route.path for route in routes if PlainCall.of(route) is not None}
    assert {"/nodes/heartbeat", "/nodes/dial-back"} <= plain
    assert not {"/streams", "/nodes", "/streams/{stream_id}/top-ups", "/health"} & plain


def test_heartbeats_are_found_first_and_read_where_they_belong() -> None:
    """The order of routes is for machines, that of the document for people."""
    app = _api()
    assert getattr(app.routes[0], "path", "") == "/nodes/heartbeat"
    paths = list(app.openapi()["paths"])
    assert paths[0] == "/streams"
    assert paths.index("/streams/{stream_id}") < paths.index("/nodes/heartbeat")
    assert paths.index("/nodes/heartbeat") < paths.index("/nodes/{node_id}")


async def test_a_route_that_asks_for_no_key_lets_nobody_in() -> None:
    """A key that FastAPI's own route would only look up is nobody's."""
    app, key = FastAPI(title="one route"), CountingKey()

    @app.post("/told")
    async def told(_: Annotated[Sponsor, Security(key)]) -> str:
        return "welcome"

    transport = ASGITransport(app=app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://api.example") as opened:
        answer = await opened.post("/told", headers=bearer(SPONSOR_KEY))
    assert answer.status_code == 500
