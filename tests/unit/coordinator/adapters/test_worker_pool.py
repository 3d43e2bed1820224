"""Much work, few hands."""

import asyncio
from collections.abc import Iterator

import pytest

from coordinator.adapters.worker_pool import work_through


async def test_all_is_done_and_begun_in_order() -> None:
    """However many hands there are."""
    for at_once in (1, 3, 100):
        begun: list[int] = []

        async def work(thing: int, begun: list[int] = begun) -> None:
            begun.append(thing)
            await asyncio.sleep(0)

        await work_through(range(20), work, at_once=at_once)
        assert begun == list(range(20))


async def test_nothing_to_do_is_soon_done() -> None:
    """No worker is made for it."""

    async def work(thing: int) -> None:
        raise AssertionError(thing)

    await work_through([], work, at_once=7)
    assert len(asyncio.all_tasks()) == 1


async def test_no_more_than_so_many_are_under_way() -> None:
    """And as many as may be are."""
    now, most = 0, 0

    async def work(_: int) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    await work_through(range(31), work, at_once=5)
    assert (now, most) == (0, 5)


async def test_one_that_hangs_delays_no_other() -> None:
    """Whoever has done their own takes the next."""
    others: list[int] = []
    all_others = asyncio.Event()

    async def work(thing: int) -> None:
        if thing == 0:
            await all_others.wait()
            return
        others.append(thing)
        if len(others) == 12:
            all_others.set()

    async with asyncio.timeout(5):
        await work_through(range(13), work, at_once=2)
    assert others == list(range(1, 13))


async def test_after_an_error_nothing_goes_on() -> None:
    """What was under way is cancelled, what was not begun is left."""
    begun: list[int] = []
    cancelled: list[int] = []

    async def work(thing: int) -> None:
        begun.append(thing)
        if thing == 2:
            raise ValueError(thing)
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cancelled.append(thing)
            raise

    with pytest.raises(ExceptionGroup):
        await work_through(range(9), work, at_once=3)
    assert (begun, sorted(cancelled)) == ([0, 1, 2], [0, 1])
    assert len(asyncio.all_tasks()) == 1


async def test_things_are_taken_only_as_hands_are_free() -> None:
    """They may be many, or be made on the way."""
    made: list[int] = []

    def things() -> Iterator[int]:
        for thing in range(9):
            made.append(thing)
            yield thing

    async def work(thing: int) -> None:
        assert len(made) <= thing + 3
        await asyncio.sleep(0)

    await work_through(things(), work, at_once=3)
    assert made == list(range(9))
