"""Who has a place, who gives way, and that ending many delays nobody."""

import asyncio
from typing import Any

from api.http.doorway import LATE_AT_ONCE_MAX, BoundedProtocol, ConnectionLimits, ConnectionPlaces


class _Late(BoundedProtocol):
    """Of no server: only its deadline counts."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ended: list[float]) -> None:
        self.loop, self._ended, self.due_s = loop, ended, 0.0
        self.transport: Any = asyncio.Transport()

    def late(self) -> None:
        """Its time is over."""
        self._ended.append(self.loop.time())
        self.places.go(self)


async def test_many_that_are_late_at_once_are_ended_a_few_at_a_time() -> None:
    """So others are answered in between."""
    loop, ended = asyncio.get_running_loop(), list[float]()
    places = ConnectionPlaces(ConnectionLimits(look_every_s=0.01), by_address=False)
    protocol = type("Late", (_Late,), {"places": places})
    for _ in range(5 * LATE_AT_ONCE_MAX):
        assert places.come(protocol(loop, ended), "") is None
    most, before = 0, 0
    while len(ended) < 5 * LATE_AT_ONCE_MAX:
        await asyncio.sleep(0)
        most, before = max(most, len(ended) - before), len(ended)
    assert most == LATE_AT_ONCE_MAX


async def test_one_address_has_a_few_places_once_half_are_taken() -> None:
    """A /64 of IPv6 is one; behind a proxy nobody knows whose they are."""
    loop = asyncio.get_running_loop()
    limits = ConnectionLimits(connections=10, of_address=5)
    places = ConnectionPlaces(limits, by_address=True)
    protocol = type("Late", (_Late,), {"places": places})
    for number in range(5):
        assert places.come(protocol(loop, []), f"2001:db8::{number}") is None
    refused = places.come(protocol(loop, []), "2001:db8::ffff")
    assert refused is not None
    assert refused.status == 429
    assert places.come(protocol(loop, []), "2001:db8:0:1::1") is None
    behind = ConnectionPlaces(limits, by_address=False)
    assert [behind.come(protocol(loop, []), "203.0.113.7") for _ in range(10)] == [None] * 10
    full = behind.come(protocol(loop, []), "203.0.113.7")
    assert full is not None
    assert full.status == 503
