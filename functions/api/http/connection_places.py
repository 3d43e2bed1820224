"""All connections of the api's process: how many there may be, and which of them are late."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from api.http.intake import RequestRefused
from coordinator.strangers.networks import one_address

CONNECTIONS_MAX = 4000
LATE_AT_ONCE_MAX = 32
"""A thousand half requests are late in one second, and to end each takes a tenth of a millisecond:
others are answered in between."""
SOON_S = 0.005


class Placed(Protocol):
    """A connection, as far as places go."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    due_s: float
    """When whatever is waited for is late."""

    def late(self) -> None:
        """Its time is over."""


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
        self.limits, self.by_address = limits, by_address
        self._open: dict[Placed, str] = {}
        self._of_address: Counter[str] = Counter()
        self._waiting: dict[Placed, None] = {}
        """Whose request is not handed on yet, the longest wait first."""
        self._look: asyncio.TimerHandle | None = None

    def come(self, one: Placed, address: str) -> RequestRefused | None:
        """None if a new connection may stay, else why not. Where all places are taken, the one
        gives way that waits longest with half a request."""
        place = one_address(address) if self.by_address else ""
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

    def go(self, one: Placed) -> None:
        """A connection has ended."""
        place = self._open.pop(one, None)
        self._waiting.pop(one, None)
        if place is not None:
            self._of_address[place] -= 1
            if not self._of_address[place]:
                del self._of_address[place]

    def wait(self, one: Placed) -> None:
        """Its request has begun."""
        self._waiting[one] = None

    def go_on(self, one: Placed) -> None:
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
