"""The agent's client: from which address it calls, because it is called back there."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agent.client.coordinator import CoordinatorClient


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
    coordinator = CoordinatorClient(f"http://{host}:{port}", "key")
    try:
        assert await coordinator.clock() is not None
    finally:
        await coordinator.close()
    assert callers == [caller]
