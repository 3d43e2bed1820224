"""Who comes when thousands do: a place within seconds, or when to come again, at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from api.http.problems import Problem
from api.services.arrivals import AGAIN_S_MAX, AT_ONCE_MAX, TOOK_S_FIRST, WAIT_S_MAX, Arrivals
from api.services.dial_back import AT_ONCE_MAX as CALLED_BACK_MAX

LINE = int(WAIT_S_MAX * AT_ONCE_MAX / TOOK_S_FIRST)
"""So many who wait are served in time, at the pace that is assumed first."""


@dataclass
class _Door:
    """Arrivals whose places are held until they are let go."""

    now_s: float = 1_000.0
    inside: list[int] = field(default_factory=list)
    turned_away: dict[int, int] = field(default_factory=dict)
    """How long each is to wait."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.arrivals = Arrivals(lambda: self.now_s)
        self.goes = asyncio.Event()

    async def _comes(self, number: int) -> None:
        try:
            async with self.arrivals.place():
                self.inside.append(number)
                await self.goes.wait()
        except Problem as problem:
            self.turned_away[number] = problem.more["retry_after"]

    async def come(self, *numbers: int) -> None:
        """They come in this order, and stay."""
        self.tasks += [asyncio.create_task(self._comes(number)) for number in numbers]
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def become_slow(self) -> None:
        """As many as there are places for go in, and each takes ten seconds."""
        await self.come(*range(AT_ONCE_MAX))
        self.now_s += 10.0
        self.goes.set()
        await asyncio.gather(*self.tasks)
        self.goes.clear()


@asynccontextmanager
async def _door() -> AsyncIterator[_Door]:
    door = _Door()
    yield door
    door.goes.set()
    await asyncio.gather(*door.tasks, return_exceptions=True)


async def test_so_many_are_taken_in_at_once_and_the_others_in_their_order() -> None:
    async with _door() as door:
        await door.come(*range(AT_ONCE_MAX + 7))
        assert door.inside == list(range(AT_ONCE_MAX))
        door.goes.set()
        await asyncio.gather(*door.tasks)
        assert door.inside == list(range(AT_ONCE_MAX + 7))
        assert door.turned_away == {}


async def test_those_who_do_not_answer_a_call_back_keep_nobody_out() -> None:
    """Each holds a place for seconds. Whoever comes meanwhile is taken in without a call."""
    async with _door() as door:
        await door.come(*range(CALLED_BACK_MAX))
        await door.come(9_999)
        assert door.inside[-1] == 9_999


async def test_whoever_would_wait_long_is_told_at_once_when_to_come_again() -> None:
    """Nobody is kept waiting in vain, and not all come again in the same second."""
    async with _door() as door:
        await door.come(*range(AT_ONCE_MAX + LINE + 2_000))
        assert len(door.inside) == AT_ONCE_MAX
        assert len(door.turned_away) == 2_000 - 1
        waits_s = list(door.turned_away.values())
        assert waits_s == sorted(waits_s)
        assert waits_s[0] == WAIT_S_MAX + 1
        assert waits_s[-1] == 6, "two thousand more at 960 a second, twice as many as go in"


async def test_the_promise_has_an_end_and_is_forgotten_once_it_is_past() -> None:
    async with _door() as door:
        await door.become_slow()
        await door.come(*range(AT_ONCE_MAX + 2_000))
        assert max(door.turned_away.values()) == AGAIN_S_MAX
        door.turned_away.clear()
        door.now_s += 3_600.0
        await door.come(99_999)
        assert door.turned_away == {99_999: WAIT_S_MAX + 1}


async def test_a_database_that_becomes_slow_shortens_the_line() -> None:
    """What one takes is learned from those that have ended."""
    async with _door() as door:
        await door.become_slow()
        await door.come(*range(1_000, 1_000 + AT_ONCE_MAX + LINE))
        assert len(door.turned_away) > LINE * 0.9


async def test_whoever_hangs_up_gives_the_place_back() -> None:
    """While waiting, and while being taken in."""
    async with _door() as door:
        await door.come(*range(AT_ONCE_MAX + 5))
        for task in door.tasks[:3] + door.tasks[-2:]:
            task.cancel()
        await asyncio.gather(*door.tasks[:3], *door.tasks[-2:], return_exceptions=True)
        assert door.inside == list(range(AT_ONCE_MAX + 3))
        door.goes.set()
        await asyncio.gather(*door.tasks, return_exceptions=True)
        door.goes.clear()
        door.inside.clear()
        await door.come(*range(AT_ONCE_MAX + 1))
        assert door.inside == list(range(AT_ONCE_MAX))
