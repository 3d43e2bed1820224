"""What strangers do to a connection costs nobody else anything, and ends in time."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from email.utils import formatdate

import pytest
from starlette.types import Receive, Scope, Send

from api.http.connection_places import ConnectionLimits
from api.http.intake import HEAD_BYTES_MAX, WAITED_BYTES_MAX
from api.wiring import build_on
from emulator.processes.ports import LOOPBACK
from tests.doubles.memory import MemoryStore
from tests.integration.edge_server import EdgeServer, edge_server
from tests.unit.functions.conftest import NOW_S, SPONSOR_KEY, money_store, settings

SOON = ConnectionLimits(
    head_s=0.2,
    body_s=0.2,
    stalled_s=0.2,
    linger_s=0.2,
    look_every_s=0.05,
    connections=8,
    of_address=6,
)
HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
REGISTERING = (
    b"POST /streams HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    b"Authorization: Bearer " + SPONSOR_KEY.encode() + b"\r\n"
)
USUAL = (b"x-content-type-options: nosniff", b"x-request-id: ", b"cache-control: no-store")


@pytest.fixture
async def server() -> AsyncIterator[EdgeServer]:
    """The api, in a hurry."""
    app = build_on(MemoryStore(), money_store(), settings(), lambda: NOW_S)
    async with edge_server(app, SOON) as served:
        yield served


def status_of(answer: bytes) -> int:
    """Of the last answer."""
    return int(answer.rpartition(b"HTTP/1.1 ")[2][:3])


def problem_of(answer: bytes) -> str:
    """The last part of the problem's type; the usual headers stand above it."""
    head, _, body = answer.rpartition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    assert all(header in head for header in USUAL), head
    return str(json.loads(body)["type"]).removeprefix("/problems/")


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (b"\x16\x03\x01" + bytes(60) + b"\r\n\r\n", "malformed-request"),
        (b"GET /" + b"x" * 3000, "request-line-too-long"),
        (HEALTH[:-2] + b"X: " + b"x" * HEAD_BYTES_MAX, "headers-too-large"),
        (HEALTH[:-2], "too-slow"),
        (REGISTERING + b"Content-Length: 700\r\n\r\n{", "too-slow"),
        (REGISTERING + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "too-slow"),
        (REGISTERING + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{{{", "malformed-request"),
        (REGISTERING + b"Content-Length: 99999999999\r\n\r\n" + b" " * 70_000, "body-too-large"),
        (b"TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "method-not-allowed"),
        (b"GET /robots.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "unknown-route"),
        (b"GET /a%0Ab HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "unknown-route"),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "malformed-request"),
        (b"GET * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "unknown-route"),
    ],
)
async def test_what_cannot_be_answered_is_told_and_ended(
    server: EdgeServer, sent: bytes, problem: str
) -> None:
    """As a problem with the usual headers, whoever found it."""
    assert problem_of(await server.tell(sent)) == problem


async def test_requests_that_are_sent_at_once_are_answered_in_turn(server: EdgeServer) -> None:
    """Each is whole before the next begins."""
    answer = await server.tell(HEALTH + HEALTH + LAST)
    assert answer.count(b"HTTP/1.1 200") == 3


async def test_what_comes_too_early_in_excess_ends_behind_the_answer(server: EdgeServer) -> None:
    """The first is answered all the same."""
    answer = await server.tell(HEALTH + b"x" * (2 * HEAD_BYTES_MAX))
    assert (answer.count(b"HTTP/1.1"), status_of(answer)) == (2, 414)


async def test_an_offer_to_speak_another_protocol_is_passed_over(server: EdgeServer) -> None:
    """curl makes one with --http2."""
    offer = LAST[:-2].replace(b"close", b"close, Upgrade") + b"Upgrade: h2c\r\n\r\n"
    assert status_of(await server.tell(offer)) == 200


async def test_silence_is_ended_without_a_word(server: EdgeServer) -> None:
    """A browser may connect and not ask yet."""
    assert await server.tell(b"") == b""


@pytest.mark.parametrize(
    ("headers", "begins"),
    [
        (b"Content-Length: 7\r\n", False),
        (b"Transfer-Encoding: chunked\r\n", False),
        (b"Content-Length: 7\r\nExpect: 100-continue\r\n", True),
        (b"Content-Length: %d\r\n" % (WAITED_BYTES_MAX + 1), True),
    ],
)
async def test_nobody_works_for_half_of_a_short_request(headers: bytes, begins: bool) -> None:
    """A thousand of them would keep others waiting. A long body, and whoever waits for a word
    before it sends one, are not waited for."""
    begun: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.append(scope["path"])
        if scope["path"] != "/health":
            await receive()
        start = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": [(b"x-request-id", b"r"), (b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with edge_server(app, SOON) as server:
        reader, writer = await asyncio.open_connection(LOOPBACK, server.port)
        try:
            writer.write(b"POST /half HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n")
            await server.tell(LAST)  # which is answered behind it
            await server.tell(LAST)
            assert ("/half" in begun) is begins
            told = await reader.read()
        finally:
            writer.transport.abort()
    assert b" 408 " in told


async def test_half_a_request_is_no_connection_of_the_servers_own() -> None:
    """That is made with the first whole request, and would be most of what half a one costs."""
    app = build_on(MemoryStore(), money_store(), settings(), lambda: NOW_S)
    async with edge_server(app, ConnectionLimits()) as server:
        reader, writer = await asyncio.open_connection(LOOPBACK, server.port)
        try:
            writer.write(REGISTERING + b"Content-Length: 10\r\n\r\n{")
            assert status_of(await server.tell(LAST)) == 200  # which is answered behind it
            assert server.served == 0
            writer.write(b'"x": 111}' + HEALTH)
            assert b" 422 " in await reader.readuntil(b"\r\n\r\n")
            assert server.served == 1
        finally:
            writer.transport.abort()


async def test_half_requests_do_not_keep_a_server_that_stops() -> None:
    """Nor does one that is answered, and might go on."""
    app = build_on(MemoryStore(), money_store(), settings(), lambda: NOW_S)
    async with edge_server(app, ConnectionLimits()) as served:
        half, idle = [await asyncio.open_connection(LOOPBACK, served.port) for _ in range(2)]
        half[1].write(HEALTH[:-2])
        idle[1].write(HEALTH)
        assert b" 200 " in await idle[0].readuntil(b"\r\n\r\n")
    assert not served.server.server_state.connections
    assert await half[0].read() == b""
    for _, writer in (half, idle):
        writer.transport.abort()


async def test_half_requests_make_room_for_whole_ones(server: EdgeServer) -> None:
    """The one that has waited longest gives way, where all places are taken."""
    halves = [
        await asyncio.open_connection(LOOPBACK, server.port, local_addr=(f"127.0.0.{n}", 0))
        for n in range(2, 10)
    ]
    try:
        for _, writer in halves:
            writer.write(b"GET /health HTTP/1.1\r\n")
        assert status_of(await server.tell(LAST)) == 200
        told = await asyncio.gather(
            *(reader.read() for reader, _ in halves), return_exceptions=True
        )
        assert sum(isinstance(one, bytes) and b" 408 " in one for one in told) >= 7
    finally:
        for _, writer in halves:
            writer.transport.abort()


async def test_one_address_does_not_take_all_places(server: EdgeServer) -> None:
    """Once half of them are taken."""
    held = [await asyncio.open_connection(LOOPBACK, server.port) for _ in range(6)]
    try:
        assert problem_of(await server.tell(LAST)) == "too-many-requests"
        other = await asyncio.open_connection(LOOPBACK, server.port, local_addr=("127.0.0.2", 0))
        other[1].write(LAST)
        assert status_of(await other[0].read()) == 200
        other[1].close()
    finally:
        for _, writer in held:
            writer.transport.abort()
    while (status := status_of(await server.tell(LAST))) != 200:
        assert status == 429  # until the places are free again


async def test_an_answer_that_nobody_reads_is_given_up() -> None:
    """Its connection ends, and its place is free."""
    is_given_up = asyncio.Event()

    async def large(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        headers = [(b"x-request-id", b"of-a-test")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = {"type": "http.response.body", "body": bytes(2**24)}
        sending = asyncio.gather(*(send({**body, "more_body": True}) for _ in range(9)))
        assert (await receive())["type"] == "http.disconnect"
        await sending
        is_given_up.set()

    async with edge_server(large, SOON) as server:
        with socket.create_connection((LOOPBACK, server.port)) as client:
            client.sendall(HEALTH)
            async with asyncio.timeout(20):
                await is_given_up.wait()


async def test_answers_are_dated_by_the_clock_that_signatures_are_judged_by() -> None:
    """Once, and whoever made them. The machine's may be set: nodes would take its time in vain."""
    app = build_on(MemoryStore(), money_store(), settings(), lambda: NOW_S)
    async with edge_server(app, SOON, clock=lambda: NOW_S) as served:
        for sent in (
            LAST,
            LAST.replace(b"/health", b"/favicon.ico"),
            LAST.replace(b"GET", b"LINK"),
        ):
            head = (await served.tell(sent)).partition(b"\r\n\r\n")[0].lower()
            dates = [line for line in head.split(b"\r\n") if line.startswith(b"date:")]
            assert dates == [f"date: {formatdate(NOW_S, usegmt=True)}".lower().encode()], sent
