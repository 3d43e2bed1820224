"""The agent's client: from which address it calls, and what it makes of answers."""

import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agent.client.coordinator import (
    CoordinatorAwayError,
    CoordinatorClient,
    CoordinatorRefusalError,
)
from agent.client.signing import SignedBy
from tests.integration.hostile import saying, serving
from tests.signing import key_of


class _Both(ThreadingHTTPServer):
    """Listens on IPv6 and IPv4, as a coordinator's front does."""

    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


@pytest.fixture
def front() -> Iterator[tuple[int, list[str]]]:
    """Its port, and the addresses that calls came from."""
    callers: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            callers.append(self.client_address[0])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Keep quiet: calls are recorded."""

    server = _Both(("::", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_address[1], callers
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("host", "caller"), [("localhost", "::ffff:127.0.0.1"), ("[::1]", "::1")], ids=str
)
async def test_a_node_calls_from_the_address_that_its_relay_listens_on(
    front: tuple[int, list[str]], host: str, caller: str
) -> None:
    """IPv4, also where a name has an IPv6 address, which comes first; unless that is asked for."""
    port, callers = front
    coordinator = CoordinatorClient(f"http://{host}:{port}", SignedBy(key_of(7)))
    try:
        assert await coordinator.clock() is not None
    finally:
        await coordinator.close()
    assert callers == [caller]


Ask = Callable[[CoordinatorClient], Awaitable[object]]
CALLS: dict[str, Ask] = {
    "stream": lambda client: client.stream("s3"),
    "candidates": lambda client: client.candidates(),
    "dial_back": lambda client: client.dial_back({}),
    "heartbeat": lambda client: client.heartbeat({}),
}
PROBLEM = {"type": "/problems/gone", "title": "Gone", "detail": "The stream is gone."}


async def answered(ask: Ask, status: int, body: object) -> object:
    """What the client makes of one answer."""
    raw = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(raw)}\r\nconnection: close\r\n\r\n"
    async with serving(saying(head.encode() + raw)) as server:
        client = CoordinatorClient(f"http://127.0.0.1:{server.port}", SignedBy(key_of(7)))
        try:
            return await ask(client)
        finally:
            await client.close()


@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS.keys())
async def test_a_clear_no_is_a_refusal_with_the_coordinator_s_own_sentence(ask: Ask) -> None:
    """Whatever was asked."""
    with pytest.raises(CoordinatorRefusalError, match=r"The stream is gone\.") as refusal:
        await answered(ask, 410, PROBLEM)
    assert (refusal.value.status, refusal.value.problem) == (410, "/problems/gone")


@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (500, PROBLEM, "it answers 500"),
        (429, PROBLEM, "it answers 429"),
        (410, ["gone"], "it answers 410 without saying why"),
        (200, ["no object"], "its answer is not understood"),
        (200, {}, "its answer is not understood"),
    ],
)
async def test_whatever_else_it_says_the_coordinator_is_away(
    ask: Ask, status: int, body: object, says: str
) -> None:
    """A fault, too many calls, a no without a reason, a yes that is not the contract's."""
    with pytest.raises(CoordinatorAwayError, match=says):
        await answered(ask, status, body)


async def test_a_coordinator_without_dial_back_offers_none() -> None:
    """That is no refusal."""
    assert await answered(CALLS["dial_back"], 404, PROBLEM) is None
