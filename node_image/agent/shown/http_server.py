"""The agent's small HTTP server: statistics, health, metrics, a status page. And another, on
loopback alone, for the relay's questions about publishers and players: no crowd of strangers at
the first can delay the second.

Chosen by measuring resident memory after 500 requests, client included: uvicorn with Starlette and
httpx 40 MB, aiohttp's server with httpx 47 MB, aiohttp for both 37 MB. httpx is the project's
client, so the first it is. Strangers reach this server, so everything has a limit: connections in
all and from one address, a connection's whole life, and the size of heads and bodies.
"""

import asyncio
import contextlib
import socket
from asyncio import Transport
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from agent.client.publishing import QUESTION_BYTES_MAX
from agent.endpoints import bind, stream_socket
from agent.places import place_of
from agent.relay.questions import AnswerHook
from agent.shown.metrics import CONTENT_TYPE
from agent.shown.status_page import POLICY

# In a poll: the reason by which the coordinator knows the node. Anybody can write it: a hint.
REASON_HEADER = "restream-reason"
HEAD_BYTES_MAX = 8192
CONNECTIONS_MAX = 256
ADDRESS_CONNECTIONS_MAX = 32
# One request a connection: whoever needs longer than this for it is not polling.
CONNECTION_S_MAX = 15.0
DATE_S = 1.0
# A crowd of viewers is as many questions at once.
BACKLOG = 2048


class LimitedProtocol(H11Protocol):
    """uvicorn's own, but no connection lives long and no address has many of them.

    Where all places are taken, the oldest gives way that has asked nothing, or else the oldest: a
    poll takes milliseconds. Some machines that hold connections would else keep all polls out."""

    _open: Counter[str] = Counter()  # noqa: RUF012 -- shared on purpose: a count over all connections
    _held: dict[H11Protocol, None] = {}  # noqa: RUF012 -- likewise: all of them, the oldest first
    _address = ""
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Count the connection in, or drop it."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self._address = place_of(peer[0]) if peer else ""
        self._open[self._address] += 1
        if self._open[self._address] > ADDRESS_CONNECTIONS_MAX:
            transport.abort()
        elif len(self._held) >= CONNECTIONS_MAX:
            oldest = next(iter(self._held))
            gives_way = next((one for one in self._held if one.cycle is None), oldest)
            del self._held[gives_way]
            gives_way.transport.abort()
        self._held[self] = None
        self._deadline = self.loop.call_later(CONNECTION_S_MAX, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection out."""
        self._held.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
        self._open[self._address] -= 1
        if self._open[self._address] <= 0:
            del self._open[self._address]
        super().connection_lost(exc)


class StatsServer(uvicorn.Server):
    """uvicorn without its signal handlers: the agent decides itself when to stop.

    uvicorn would look ten times a second whether to stop: with two servers half of what the agent
    costs. This one is told, and wakes for nothing but the Date of its answers.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End `serve`."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        """Keep the Date until it is told to stop."""
        while not await self.on_tick(0):  # 0: the tick that sets the Date
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DATE_S):
                    await self._stopping.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signals alone."""
        yield


class NodePages(Protocol):
    """What the server shows."""

    def polled(self, reason: str) -> None:
        """Somebody asks for /stats.json; `reason` is what REASON_HEADER held, or ""."""
        ...

    def stats(self) -> dict[str, object]:
        """The body of /stats.json."""
        ...

    def metrics(self) -> str:
        """The body of /metrics."""
        ...

    def status_page(self) -> str:
        """The page at /."""
        ...

    def health(self) -> tuple[bool, str]:
        """Whether all is well and, in a sentence, how it is."""
        ...


def make_app(pages: NodePages) -> Starlette:
    """What strangers may ask."""

    async def get_stats(request: Request) -> Response:
        pages.polled(request.headers.get(REASON_HEADER, ""))
        return JSONResponse(pages.stats(), headers=_ONCE)

    async def get_metrics(_: Request) -> Response:
        return Response(pages.metrics(), headers=_ONCE, media_type=CONTENT_TYPE)

    async def get_page(_: Request) -> Response:
        return HTMLResponse(pages.status_page(), headers=_PAGE)

    async def get_health(_: Request) -> Response:
        is_well, reason = pages.health()
        body = {"status": "ok" if is_well else "unavailable", "reason": reason}
        return JSONResponse(body, 200 if is_well else 503, headers=_ONCE)

    return Starlette(
        routes=[
            Route("/", get_page),
            Route("/stats.json", get_stats),
            Route("/metrics", get_metrics),
            Route("/healthz", get_health),
        ]
    )


def make_hooks_app(hooks: Mapping[str, AnswerHook]) -> Starlette:
    """What the own relay asks, by name: `/play`, `/publish`."""

    def route(name: str, answer: AnswerHook) -> Route:
        async def post_question(request: Request) -> Response:
            body = b""
            async for part in request.stream():
                body += part
                if len(body) > QUESTION_BYTES_MAX:
                    return PlainTextResponse("too long\n", 413, headers=_ONCE)
            status, reason = await answer(body)
            return PlainTextResponse(reason, status, headers=_ONCE)

        return Route(f"/{name}", post_question, methods=["POST"])

    return Starlette(routes=[route(name, answer) for name, answer in hooks.items()])


def make_server(app: ASGIApp, *, limited: bool = True) -> StatsServer:
    """A server for sockets that are handed to `serve`; `limited` where strangers reach it."""
    config = uvicorn.Config(
        app,
        http=LimitedProtocol if limited else H11Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # Beyond CONNECTIONS_MAX there are only those that are just being ended.
        limit_concurrency=CONNECTIONS_MAX + ADDRESS_CONNECTIONS_MAX if limited else None,
        backlog=BACKLOG,
        timeout_keep_alive=2,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
    )
    return StatsServer(config)


def open_socket(address: str, port: int) -> socket.socket:
    """A listening socket for the server. Raises AddressError."""
    sock = stream_socket(address)
    try:
        bind(sock, address, port, "STATS_PORT")
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


# One answer a connection: polls are rare, and idle connections are what strangers exhaust.
_ONCE = {"connection": "close", "cache-control": "no-store", "x-content-type-options": "nosniff"}
_PAGE = {**_ONCE, "content-security-policy": POLICY, "referrer-policy": "no-referrer"}
