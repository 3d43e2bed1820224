"""The agent's client: from which address it calls, and what it makes of answers."""

import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agent.backoff import HEARTBEAT_S_MAX
from agent.client.answers import HeartbeatAnswer, RelayedStream
from agent.client.coordinator import (
    CoordinatorAwayError,
    CoordinatorClient,
    CoordinatorRefusalError,
)
from agent.client.heartbeats import Heartbeats
from agent.client.signing import SignedBy
from rtmp.addresses import RtmpAddress
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


async def answered(
    ask: Ask, status: int, body: object, header: str = "connection: close"
) -> object:
    """What the client makes of one answer."""
    raw = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(raw)}\r\n{header}\r\n\r\n"
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


@pytest.mark.parametrize(
    ("status", "asked", "wait_s"),
    [
        (503, "7", 7.0),
        (429, "11", 11.0),
        (503, "999999", HEARTBEAT_S_MAX),
        (503, "Wed, 21 Oct 2026 07:28:00 GMT", 0.0),
        (503, "-5", 0.0),
        (503, "1e3", 0.0),
        (500, "", 0.0),
    ],
)
async def test_a_coordinator_that_asks_to_be_left_alone_is_heard(
    status: int, asked: str, wait_s: float
) -> None:
    """For so many seconds, and not for ever."""
    with pytest.raises(CoordinatorAwayError) as away:
        await answered(CALLS["heartbeat"], status, PROBLEM, f"retry-after: {asked}")
    assert away.value.wait_s == wait_s


class _Busy(CoordinatorClient):
    """It finds the stream, and has no time for a heartbeat."""

    async def stream(self, stream_id: str) -> RelayedStream:
        return RelayedStream(stream_id, "active", RtmpAddress("127.0.0.1", 1935, "live", stream_id))

    async def heartbeat(
        self, beat: Mapping[str, object], seconds_max: float = 0
    ) -> HeartbeatAnswer:
        raise CoordinatorAwayError("it answers 503", wait_s=40.0)


@pytest.mark.parametrize(("chance", "delay_s"), [(0.0, 40.0), (0.5, 44.0)])
async def test_a_node_that_is_turned_away_comes_when_it_is_asked_to(
    chance: float, delay_s: float
) -> None:
    """Never earlier, and not all nodes in the same second."""
    client = _Busy("http://127.0.0.1:9", SignedBy(key_of(7)))
    beat = {"stream_id": "s3", "stats_port": 8080}
    heartbeats = Heartbeats(client, beat, None, lambda _: None, lambda: chance, lambda: 0.0, 1.0)
    assert await heartbeats._find_stream() == 0.0
    assert await heartbeats._beat_once() == delay_s
    await client.close()


async def test_a_coordinator_without_dial_back_offers_none() -> None:
    """That is no refusal."""
    assert await answered(CALLS["dial_back"], 404, PROBLEM) is None
