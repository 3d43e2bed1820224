"""How the api's server takes connections: what one may send, how long it may take, how many there
are. functions-framework has gunicorn start uvicorn; `bound` says which protocol that speaks.
One module: a connection and all of them together know each other.
"""

import asyncio
import resource
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn_worker import UvicornWorker

from api.http.dates import DateHeader
from api.http.front import Front, refusal
from api.http.intake import (
    HEAD_BYTES_MAX,
    WAITED_BYTES_MAX,
    Awaited,
    Intake,
    RequestRefused,
)
from coordinator.adapters.clock import Clock
from coordinator.strangers.networks import one_address

CONNECTIONS_MAX = 4000
SPARE_DESCRIPTORS = 96
"""For the database, calls to nodes, and files."""
LATE_AT_ONCE_MAX = 32
"""A thousand half requests are late in one second, and to end each takes a tenth of a millisecond:
others are answered in between."""
SOON_S = 0.005
HELD_BYTES_MAX = HEAD_BYTES_MAX + WAITED_BYTES_MAX
_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a connection may take, and how many there may be."""

    head_s: float = 10.0
    """From the first byte, or the connection, to the end of the headers."""
    body_s: float = 10.0
    """The largest body has 64 KiB."""
    stalled_s: float = 20.0
    """So long may a client leave an answer unread."""
    linger_s: float = 1.0
    """What a refused client still sends is dropped for so long: a connection that is cut at once
    loses the answer on its way."""
    look_every_s: float = 1.0
    connections: int = CONNECTIONS_MAX
    of_address: int = 64
    """Of one address, or /64 of IPv6, once half of all places are taken: many nodes may share one.
    """


class ConnectionPlaces:
    """All connections of this process, and which of them have taken too long."""

    def __init__(self, limits: ConnectionLimits, *, by_address: bool) -> None:
        self.limits, self._by_address = limits, by_address
        self._open: dict[BoundedProtocol, str] = {}
        self._of_address: Counter[str] = Counter()
        self._waiting: dict[BoundedProtocol, None] = {}
        """Whose request is not handed on yet, the longest wait first."""
        self._look: asyncio.TimerHandle | None = None

    def come(self, one: "BoundedProtocol", address: str) -> RequestRefused | None:
        """None if a new connection may stay, else why not. Where all places are taken, the one
        gives way that waits longest with half a request."""
        place = one_address(address) if self._by_address else ""
        is_half_full = len(self._open) * 2 >= self.limits.connections
        if place and is_half_full and self._of_address[place] >= self.limits.of_address:
            return RequestRefused(429, "Your address has too many connections open.")
        if len(self._open) >= self.limits.connections:
            oldest = next(iter(self._waiting), None)
            if oldest is None:
                return RequestRefused(503, "All places for connections are taken.")
            self.go(oldest)
            oldest.transport.abort()
        self._open[one] = place
        self._of_address[place] += 1
        if self._look is None:
            self._look = one.loop.call_later(self.limits.look_every_s, self._look_around, one.loop)
        return None

    def go(self, one: "BoundedProtocol") -> None:
        """A connection has ended."""
        place = self._open.pop(one, None)
        self._waiting.pop(one, None)
        if place is not None:
            self._of_address[place] -= 1
            if not self._of_address[place]:
                del self._of_address[place]

    def wait(self, one: "BoundedProtocol") -> None:
        """Its request has begun."""
        self._waiting[one] = None

    def go_on(self, one: "BoundedProtocol") -> None:
        """Its request is handed on."""
        self._waiting.pop(one, None)

    def _look_around(self, loop: asyncio.AbstractEventLoop) -> None:
        now_s = loop.time()
        late = [one for one in self._open if one.due_s <= now_s]
        for one in late[:LATE_AT_ONCE_MAX]:
            one.late()
        self._look = None
        if self._open:
            wait_s = self.limits.look_every_s if len(late) <= LATE_AT_ONCE_MAX else SOON_S
            self._look = loop.call_later(wait_s, self._look_around, loop)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's own, behind an `Intake`: one request at a time, and each part of it in time."""

    places: ClassVar[ConnectionPlaces]
    trusted_proxies: ClassVar[int] = 0
    date: ClassVar[DateHeader]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app = Front(self.app, self.trusted_proxies, self.date)
        self._intake = Intake()
        self._held: list[bytes] = []
        """Of a request that is not whole: what its parser has not been handed."""
        self._is_left = False
        self.due_s = _NEVER
        """When whatever is waited for is late."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Takes a place, or is told that there is none."""
        super().connection_made(transport)
        refused = self.places.come(self, self.client[0] if self.client else "")
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
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hands on what fits; answers and ends what does not."""
        if self._is_left:
            return
        self._unset_keepalive_if_required()
        try:
            self._intake.take(data)
        except RequestRefused:
            # The answer before theirs is under way, and is the last one.
            self.cycle.keep_alive, self._is_left = False, True
            return
        if self._intake.part is not Awaited.NOTHING:
            self._go_on()

    def on_response_complete(self) -> None:
        """The next request, if it was sent already; the end, where this one was not whole."""
        super().on_response_complete()
        if self.transport.is_closing() or self._is_left:
            self.due_s = self.loop.time() + self.places.limits.stalled_s
            return
        self.due_s = _NEVER
        if self._intake.part is not Awaited.NOTHING:
            self._leave()
            return
        self._intake.begin()
        if self._intake.waiting_bytes:
            self._unset_keepalive_if_required()
            self._go_on()

    def pause_writing(self) -> None:
        """The client does not read."""
        super().pause_writing()
        self.due_s = self.loop.time() + self.places.limits.stalled_s

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self.due_s = _NEVER

    def late(self) -> None:
        """Its time is over: it is told so, once, if it began a request and no answer has begun."""
        if self._is_left or self.transport.is_closing() or self._is_answering:
            self.transport.abort()
        elif self._intake.part is Awaited.HEAD and not self._intake.waiting_bytes:
            self.transport.close()
        else:
            self._refuse(RequestRefused(408, "Send a whole request within some seconds."))

    @property
    def _is_answering(self) -> bool:
        cycle = self.cycle
        return cycle is not None and cycle.response_started and not cycle.response_complete

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
        pieces, self._held = self._held, []
        try:
            for piece in pieces:
                self.parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(RequestRefused(400, "This is no request of HTTP/1.1: see RFC 9112."))

    def _refuse(self, refused: RequestRefused) -> None:
        if not self._is_answering:
            if self.cycle is not None and not self.cycle.response_complete:
                self.cycle.disconnected = True  # whoever waits for the body waits no more
                self.cycle.message_event.set()
            self.transport.write(refusal(refused))
        self._leave()

    def _leave(self) -> None:
        """Nothing more is read from it; it may still read."""
        self._unset_keepalive_if_required()
        self.places.go_on(self)
        self._is_left = True
        self.due_s = self.loop.time() + self.places.limits.linger_s
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()


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
