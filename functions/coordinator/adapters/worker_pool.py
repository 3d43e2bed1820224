"""Much work with few hands: many things to do, so many of them at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import TypeVar

Thing = TypeVar("Thing")


async def work_through(
    things: Iterable[Thing], work: Callable[[Thing], Awaitable[None]], *, at_once: int
) -> None:
    """Does the work on each of them, begun in their order; the first error ends all of it.

    A few workers and not a task for each: ten thousand tasks would cost more than their work.
    Once it returns or raises, nothing goes on behind the caller's back."""
    waiting = iter(things)

    async def go_on_from(thing: Thing) -> None:
        await work(thing)
        for following in waiting:
            await work(following)

    async with asyncio.TaskGroup() as workers:
        for first in list(islice(waiting, at_once)):
            workers.create_task(go_on_from(first))
