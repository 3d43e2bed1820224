"""How the api's server takes connections: what one may send, and how long it may take.

functions-framework has gunicorn start uvicorn; `bound` says which protocol that speaks. One
module: the two parts of a connection, ours and uvicorn's, call each other.
"""

import asyncio
import resource
from typing import Any, ClassVar

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState
from uvicorn_worker import UvicornWorker

from api.http.connection_places import CONNECTIONS_MAX, ConnectionLimits, ConnectionPlaces
from api.http.dates import DateHeader
from api.http.front import Front, refusal
from api.http.intake import (
    HEAD_BYTES_MAX,
    WAITED_BYTES_MAX,
    Awaited,
    Intake,
    RequestRefused,
)
from api.http.served_protocol import ServedProtocol
from coordinator.adapters.clock import Clock

SPARE_DESCRIPTORS = 96
"""For the database, calls to nodes, and files."""
HELD_BYTES_MAX = HEAD_BYTES_MAX + WAITED_BYTES_MAX
_NEVER = float("inf")


class BoundedProtocol(asyncio.Protocol):
    """A connection behind an `Intake`: one request at a time, and each part of it in time.

    uvicorn's own part is made with the first request that may be handed on. Until then a connection
    costs a third of it (ADR 63)."""

    places: ClassVar[ConnectionPlaces]
    trusted_proxies: ClassVar[int] = 0
    date: ClassVar[DateHeader]
    transport: asyncio.Transport
    __slots__ = (
        "_held",
        "_intake",
        "_is_left",
        "_made_with",
        "_served",
        "due_s",
        "loop",
        "transport",
    )

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._made_with = config, server_state, app_state
        self.loop = _loop or asyncio.get_running_loop()
        self._served: ServedProtocol | None = None
        self._intake = Intake()
        self._held: list[bytes] = []
        """Of a request that is not whole: what its parser has not been handed."""
        self._is_left = False
        self.due_s = _NEVER

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Takes a place, or is told that there is none."""
        self.transport = transport
        self._state.connections.add(self)  # type: ignore[arg-type]  # it asks for `shutdown` alone
        refused = self.places.come(self, _address(transport) if self.places.by_address else "")
        if refused is None:
            self._await_head()
            return
        self._is_left = True
        transport.write(refusal(refused))
        transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gives its place back."""
        self.places.go(self)
        self.due_s = _NEVER
        self._state.connections.discard(self)
        served, self._served = self._served, None  # each knows the other: a circle
        if served is not None:
            served.connection_lost(exc)

    def shutdown(self) -> None:
        """uvicorn stops. Where it has a part of this connection, it ends that itself."""
        if self._served is None:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Hands on what fits; answers and ends what does not."""
        if self._is_left:
            return
        if self._served is not None:
            self._served.goes_on()
        try:
            self._intake.take(data)
        except RequestRefused:
            # The answer before theirs is under way, and is the last one.
            self._is_left = True
            if self._served is not None:
                self._served.cycle.keep_alive = False
            return
        if self._intake.part is not Awaited.NOTHING:
            self._go_on()

    def answered(self) -> None:
        """The next request, if it was sent already; the end, where this one was not whole."""
        if self.transport.is_closing() or self._is_left:
            self.due_s = self.loop.time() + self.places.limits.stalled_s
            return
        self.due_s = _NEVER
        if self._intake.part is not Awaited.NOTHING:
            self._leave()
            return
        self._intake.begin()
        if self._intake.waiting_bytes:
            if self._served is not None:
                self._served.goes_on()
            self._go_on()

    def pause_writing(self) -> None:
        """The client does not read."""
        if self._served is not None:
            self._served.pause_writing()
        self.due_s = self.loop.time() + self.places.limits.stalled_s

    def resume_writing(self) -> None:
        """It reads again."""
        if self._served is not None:
            self._served.resume_writing()
        self.due_s = _NEVER

    def late(self) -> None:
        """Its time is over: it is told so, once, if it began a request and no answer has begun."""
        is_answering = self._served is not None and self._served.is_answering
        if self._is_left or self.transport.is_closing() or is_answering:
            self.transport.abort()
        elif self._intake.part is Awaited.HEAD and not self._intake.waiting_bytes:
            self.transport.close()
        else:
            self._refuse(RequestRefused(408, "Send a whole request within some seconds."))

    @property
    def _state(self) -> ServerState:
        return self._made_with[1]

    def _await_head(self) -> None:
        self.due_s = self.loop.time() + self.places.limits.head_s
        self.places.wait(self)

    def _go_on(self) -> None:
        is_head = self._intake.part is Awaited.HEAD
        if is_head and self.due_s == _NEVER:
            self._await_head()
        try:
            self._held += self._intake.pieces()
        except RequestRefused as refused:
            self._refuse(refused)
            return
        if self._intake.part is Awaited.HEAD:
            return
        if is_head:
            self.due_s = self.loop.time() + self.places.limits.body_s
        if self._intake.part is Awaited.NOTHING:
            self.due_s = _NEVER
        elif self._intake.may_wait and sum(map(len, self._held)) <= HELD_BYTES_MAX:
            return
        self._hand_on()

    def _hand_on(self) -> None:
        """With a whole head the application begins to work: not for half a request."""
        self.places.go_on(self)
        if self._served is None:
            self._served = ServedProtocol(self.answered, *self._made_with)
            self._served.app = Front(self._served.app, self.trusted_proxies, self.date)
            self._served.connection_made(self.transport)
            self._state.connections.discard(self)  # it stands there itself
        pieces, self._held = self._held, []
        try:
            for piece in pieces:
                self._served.parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(RequestRefused(400, "This is no request of HTTP/1.1: see RFC 9112."))

    def _refuse(self, refused: RequestRefused) -> None:
        if self._served is None or self._served.gives_up():
            self.transport.write(refusal(refused))
        self._leave()

    def _leave(self) -> None:
        """Nothing more is read from it; it may still read."""
        self.places.go_on(self)
        self._is_left = True
        self.due_s = self.loop.time() + self.places.limits.linger_s
        if self._served is not None:
            self._served.goes_on()
            self._served.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()


def _address(transport: asyncio.Transport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""


def protocol_of(limits: ConnectionLimits, proxies: int, clock: Clock) -> type[BoundedProtocol]:
    """What uvicorn's connections speak: all of one server share the places. uvicorn is to leave the
    date of answers to us.

    Behind a proxy all connections come from its address, which says nothing."""
    places = ConnectionPlaces(limits, by_address=not proxies)
    told = {"places": places, "trusted_proxies": proxies, "date": DateHeader(clock)}
    return type("PlacedProtocol", (BoundedProtocol,), told)


def bound(trusted_proxies: int, clock: Clock) -> None:
    """From now on uvicorn's workers take connections within these limits.

    functions-framework names the worker's class itself, and has no setting for this."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits = ConnectionLimits(connections=min(CONNECTIONS_MAX, descriptors - SPARE_DESCRIPTORS))
    protocol = protocol_of(limits, trusted_proxies, clock)
    ours = {"http": protocol, "ws": "none", "proxy_headers": False, "date_header": False}
    UvicornWorker.CONFIG_KWARGS = {**UvicornWorker.CONFIG_KWARGS, **ours}
