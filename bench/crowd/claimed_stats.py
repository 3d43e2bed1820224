"""One server for the statistics of a whole crowd: every address of 127/8, at one port."""

import asyncio
from collections.abc import Callable
from typing import cast

from agent.shown.http_server import BACKLOG, HEAD_BYTES_MAX, REASON_HEADER
from bench.crowd.simulated_node import SimulatedNode

Found = Callable[[str], SimulatedNode | None]
"""Who runs at an address, if anybody does."""
_REASON = f"\n{REASON_HEADER}:".encode("ascii")
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class StatsConnection(asyncio.Protocol):
    """One request, as the coordinator makes it; an address where nobody runs resets it."""

    def __init__(self, found: Found) -> None:
        self._found, self._got = found, b""
        self._node: SimulatedNode | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Looks whose address it is."""
        self._transport = cast("asyncio.Transport", transport)
        self._node = self._found(str(transport.get_extra_info("sockname")[0]))
        if self._node is None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Answers once the request's head is whole."""
        self._got += data
        if self._node is None or self._transport.is_closing():
            return
        if len(self._got) > HEAD_BYTES_MAX:
            self._transport.abort()
        elif self._got.endswith(b"\r\n\r\n"):
            self._answer(self._node)

    def _answer(self, node: SimulatedNode) -> None:
        head = self._got.lower()
        if not head.startswith(b"get /stats.json "):
            self._transport.write(_MISSING)
        else:
            _, _, told = head.partition(_REASON)
            node.polled(told.partition(b"\r\n")[0].strip().decode("latin-1"))
            body = node.stats()
            answer = (
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            self._transport.write(answer.encode("ascii") + body)
        self._transport.close()


async def serve_stats(found: Found, port: int) -> asyncio.Server:
    """The server, open. Raises OSError for a port that is taken."""
    loop = asyncio.get_running_loop()
    host = "0.0.0.0"  # noqa: S104 - all of 127/8: each node has an address of its own
    return await loop.create_server(lambda: StatsConnection(found), host, port, backlog=BACKLOG)
