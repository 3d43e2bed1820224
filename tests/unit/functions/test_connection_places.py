"""Who has a place, who gives way, and that ending many delays nobody."""

import asyncio
from typing import Any

from api.http.connection_places import LATE_AT_ONCE_MAX, ConnectionLimits, ConnectionPlaces


class _Late:
    """A connection of no server: only its deadline counts."""

    def __init__(self, places: ConnectionPlaces, ended: list[float]) -> None:
        self.loop = asyncio.get_running_loop()
        self._places, self._ended, self.due_s = places, ended, 0.0
        self.transport: Any = asyncio.Transport()

    def late(self) -> None:
        """Its time is over."""
        self._ended.append(self.loop.time())
        self._places.go(self)


async def test_many_that_are_late_at_once_are_ended_a_few_at_a_time() -> None:
    """So others are answered in between."""
    ended = list[float]()
    places = ConnectionPlaces(ConnectionLimits(look_every_s=0.01), by_address=False)
    for _ in range(5 * LATE_AT_ONCE_MAX):
        assert places.come(_Late(places, ended), "") is None
    most, before = 0, 0
    while len(ended) < 5 * LATE_AT_ONCE_MAX:
        await asyncio.sleep(0)
        most, before = max(most, len(ended) - before), len(ended)
    assert most == LATE_AT_ONCE_MAX


async def test_one_address_has_a_few_places_once_half_are_taken() -> None:
    """A /64 of IPv6 is one; behind a proxy nobody knows whose they are."""
    limits = ConnectionLimits(connections=10, of_address=5)
    places = ConnectionPlaces(limits, by_address=True)
    for number in range(5):
        assert places.come(_Late(places, []), f"2001:db8::{number}") is None
    refused = places.come(_Late(places, []), "2001:db8::ffff")
    assert refused is not None
    assert refused.status == 429
    assert places.come(_Late(places, []), "2001:db8:0:1::1") is None
    behind = ConnectionPlaces(limits, by_address=False)
    assert [behind.come(_Late(behind, []), "203.0.113.7") for _ in range(10)] == [None] * 10
    full = behind.come(_Late(behind, []), "203.0.113.7")
    assert full is not None
    assert full.status == 503
