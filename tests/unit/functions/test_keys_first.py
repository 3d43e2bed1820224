"""Whoever has no key learns nothing else: every keyed route asks for it before it looks at more."""

from collections.abc import AsyncIterator, Iterator
from ipaddress import IPv4Network

import pytest
from fastapi import FastAPI, Security
from httpx import ASGITransport, AsyncClient, Response

from api.http import error_handlers as errors
from api.http.callers import IngestKey
from api.http.problems import Problem, ProblemKind
from api.http.route import Route
from coordinator.keys import sha256_hex
from tests.doubles.memory import MemoryStore
from tests.unit.functions.conftest import bearer, settings
from tests.unit.functions.declared import declared_only
from tests.unit.functions.own_api import OwnApi, own_api

JSON = "application/json"
ADDRESSES = IPv4Network("203.0.112.0/21").hosts()
GARBAGE = {
    "nothing": (b"", JSON),
    "no JSON": (b"{", JSON),
    "no text": (b"\xff\xfe", JSON),
    "no object": (b"[]", JSON),
    "no field of it": (b'{"nothing": 1}', JSON),
    "too long": (b" " * 65_537, JSON),
    "a form": (b"name=stage", "application/x-www-form-urlencoded"),
    "of no type": (b"{}", ""),
}


def _keyed_routes() -> Iterator[tuple[str, str]]:
    """(method, path) of each, with something in the place of its parameters."""
    document = own_api(MemoryStore(), MemoryStore(), settings(), lambda: 0.0).routes.openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "security" in operation:
                yield method, path.format(stream_id="s404", node_id="n404", epoch="7")


SIGNED = ("/nodes/heartbeat", "/nodes/dial-back")
KEYED = sorted(_keyed_routes())


def test_everything_that_is_sent_needs_a_key() -> None:
    """So whatever is posted here is garbage on a keyed route."""
    document = own_api(MemoryStore(), MemoryStore(), settings(), lambda: 0.0).routes.openapi()
    posted = [methods["post"] for methods in document["paths"].values() if "post" in methods]
    assert len(posted) >= 7
    assert all("security" in operation for operation in posted)


@pytest.fixture(scope="module")
def closed() -> OwnApi:
    """An api of which nobody here learns or changes anything: one is enough for all."""
    return own_api(MemoryStore(), MemoryStore(), settings(), lambda: 0.0)


@pytest.fixture
async def stranger(closed: OwnApi) -> AsyncIterator[AsyncClient]:
    """Each from an address of its own, so that none has used up what another may ask."""
    transport = ASGITransport(app=closed, client=(str(next(ADDRESSES)), 40_000))
    async with AsyncClient(transport=transport, base_url="http://api.example") as client:
        client.event_hooks = {"response": [declared_only(closed.routes)]}
        yield client


@pytest.mark.parametrize("sent", GARBAGE)
@pytest.mark.parametrize(("method", "path"), KEYED)
async def test_a_key_is_asked_for_before_anything_else(
    stranger: AsyncClient, method: str, path: str, sent: str
) -> None:
    """Whatever the body is, and whatever the other headers are."""
    body, kind = GARBAGE[sent]
    headers = {"Content-Type": kind, "Idempotency-Key": "x" * 300}
    without = await stranger.request(method, path, content=body, headers=headers)
    _is_nobody(without, path)
    if path in SIGNED:
        wrong = {"Signature": "node=:AAAA:", "Signature-Input": "node=()"}
        with_one = await stranger.request(method, path, content=body, headers={**headers, **wrong})
        _is(with_one, 401, "signature-wrong")
        return
    unknown = {**headers, **bearer("nobody's key")}
    with_one = await stranger.request(method, path, content=body, headers=unknown)
    _is(with_one, 403, "key-unknown")


@pytest.mark.parametrize("path", [path for method, path in KEYED if method == "post"])
async def test_no_byte_of_a_strangers_body_is_read(stranger: AsyncClient, path: str) -> None:
    """Not even to see how long it is."""
    read = []

    async def body() -> AsyncIterator[bytes]:
        for _ in range(7):
            read.append(1)
            yield b" " * 1_000

    answer = await stranger.post(path, content=body(), headers={"Content-Type": JSON})
    _is_nobody(answer, path)
    assert not read


def _is_nobody(answer: Response, path: str) -> None:
    _is(answer, 401, "signature-missing" if path in SIGNED else "key-missing")


def _is(answer: Response, status: int, kind: str) -> None:
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}")


async def test_a_problem_that_its_route_does_not_declare_is_found() -> None:
    """All tests of the api are held to that: see `declared_only`."""
    app = FastAPI(title="one route")
    app.router.route_class = Route
    errors.install(app)

    @app.post("/told", dependencies=[Security(IngestKey(sha256_hex("key")))])
    async def told() -> None:
        raise Problem(ProblemKind.UNKNOWN_DAY, "No test may see this.")

    transport = ASGITransport(app=app)
    async with AsyncClient(transport=transport, base_url="http://api.example") as client:
        client.event_hooks = {"response": [declared_only(app)]}
        with pytest.raises(AssertionError, match="/told does not declare"):
            await client.post("/told", headers=bearer("key"))
