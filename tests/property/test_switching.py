"""Nobody who comes while the network is being put to rest is overlooked, in whatever order."""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from coordinator.adapters.log import Log
from coordinator.adapters.scheduling.switch import Switch
from coordinator.adapters.store.protocol import Fields, Ref
from tests.doubles.counting import CountingStore
from tests.doubles.jobs import MemoryScheduler
from tests.doubles.memory import MemoryStore

NEWCOMER = Ref("nodes", "n2")
ORDER = st.lists(st.integers(0, 5), min_size=20, max_size=40)
"""Whose step is next; longer than anything here lasts."""


PASSES = 3
"""Of the event loop, until each task waits for its turn, or for another one."""


class DiedError(Exception):
    """A process ended in the middle of something."""


class Turns:
    """Lets one of several tasks do its next step, as an order says."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Task[Any], asyncio.Future[None]] = {}
        self._steps_left: dict[asyncio.Task[Any], int] = {}

    async def turn(self) -> None:
        """Waits for the task's turn, if there are any; at the end of its steps it dies."""
        task = asyncio.current_task()
        if task is None or task not in self._steps_left:
            return
        self._waiting[task] = asyncio.get_running_loop().create_future()
        await self._waiting[task]
        self._steps_left[task] -= 1
        if self._steps_left[task] < 0:
            raise DiedError

    async def run(
        self, order: Iterable[int], *works: Coroutine[Any, Any, object], steps_of_last: int = 999
    ) -> None:
        """All of them to their ends, one step at a time; the last one may die before."""
        tasks = [asyncio.create_task(work) for work in works]
        self._steps_left = dict.fromkeys(tasks, 999) | {tasks[-1]: steps_of_last}
        turns = iter(order)
        while any(not task.done() for task in tasks):
            for _ in range(PASSES):
                await asyncio.sleep(0)
            if ready := [task for task in tasks if task in self._waiting]:
                self._waiting.pop(ready[next(turns, 0) % len(ready)]).set_result(None)
        self._steps_left = {}
        for task in tasks:
            with contextlib.suppress(DiedError):
                task.result()


class TurnStore(MemoryStore):
    """Every call is one step of its task, and a reading two."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self._turns = turns

    async def _turn(self) -> None:
        await self._turns.turn()

    async def get(self, *refs: Ref) -> list[Fields | None]:
        """An answer is on its way for a step: others write meanwhile."""
        found = await super().get(*refs)
        await self._turn()
        return found


class World:
    """A network that may be at rest, and who comes or looks."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.store = TurnStore(self.turns)
        self.scheduler = MemoryScheduler(turn=self.turns.turn)

    def switch(self) -> Switch:
        """As every process has its own."""
        return Switch(self.store, self.scheduler, lambda: 7.0, Log("tests", "ERROR"))

    async def is_needed(self) -> bool:
        """Whether the newcomer has written what brings them."""
        return (await self.store.get(NEWCOMER))[0] is not None

    async def comes(self, switch: Switch | None = None) -> None:
        """As the api takes somebody in."""
        await self.store.put(NEWCOMER, {"changed_s": 7.0})
        await (switch or self.switch()).wake()

    async def reviews(self) -> None:
        """As the payout looks."""
        await self.switch().review(self.is_needed)


@settings(max_examples=500)
@given(order=ORDER, was_resting=st.booleans(), reviewers=st.integers(1, 3))
def test_whoever_comes_is_measured(order: list[int], was_resting: bool, reviewers: int) -> None:
    """When everyone has ended, the jobs run, whoever was faster where."""

    async def lives() -> None:
        world = World()
        if was_resting:
            await world.reviews()
            assert not world.scheduler.measures
        reviews = [world.reviews() for _ in range(reviewers)]
        await world.turns.run(order, world.comes(), *reviews)
        assert world.scheduler.measures

    asyncio.run(lives())


@settings(max_examples=100)
@given(order=ORDER, others=st.integers(1, 2))
@example(order=[0, *[2] * 7, 1, 0, *[1] * 9], others=1)  # written while the look's answer comes
def test_whoever_comes_beside_others_is_measured(order: list[int], others: int) -> None:
    """They share what the process looks at, and only if it looks after all of them have written.

    The others bring nothing to do by now: they have gone, or their stream has ended."""

    async def lives() -> None:
        world = World()
        switch = world.switch()
        waking = [switch.wake() for _ in range(others)]
        await world.turns.run(order, *waking, world.comes(switch), world.reviews())
        assert world.scheduler.measures

    asyncio.run(lives())


def test_a_thousand_who_come_at_once_look_at_the_note_three_times() -> None:
    """Two began to look before the others had written; the next look is for all of them."""

    async def lives() -> int:
        store = CountingStore(MemoryStore())
        switch = Switch(store, MemoryScheduler(), lambda: 7.0, Log("tests", "ERROR"))
        first = asyncio.create_task(switch.wake())
        await asyncio.sleep(0)
        await asyncio.gather(first, *(switch.wake() for _ in range(999)))
        return store.operations.reads

    assert asyncio.run(lives()) == 3


def test_whoever_hangs_up_while_looking_leaves_it_to_the_next() -> None:
    """Who asked first may be gone; the others are still measured."""

    async def lives() -> bool:
        world = World()
        await world.reviews()
        switch = world.switch()
        first = asyncio.create_task(switch.wake())
        await asyncio.sleep(0)
        others = [asyncio.create_task(world.comes(switch)) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(*others)
        return world.scheduler.measures

    assert asyncio.run(lives())


@given(order=ORDER, steps=st.integers(0, 16))
def test_a_review_that_dies_is_made_up_for_by_the_next(order: list[int], steps: int) -> None:
    """Wherever it was: the jobs run after the next one."""

    async def lives() -> None:
        world = World()
        await world.turns.run(order, world.comes(), world.reviews(), steps_of_last=steps)
        await world.reviews()
        assert world.scheduler.measures

    asyncio.run(lives())


@given(order=ORDER, steps=st.integers(0, 16))
def test_an_api_that_dies_is_made_up_for_by_the_next_review(order: list[int], steps: int) -> None:
    """What it wrote before is seen; what it did not write was not answered either."""

    async def lives() -> None:
        world = World()
        await world.turns.run(order, world.reviews(), world.comes(), steps_of_last=steps)
        came = await world.is_needed()
        await world.reviews()
        assert world.scheduler.measures == came

    asyncio.run(lives())


@given(order=ORDER, two=st.booleans())
def test_a_network_without_anybody_comes_to_rest(order: list[int], two: bool) -> None:
    """However many look."""

    async def lives() -> None:
        world = World()
        await world.turns.run(order, *(world.reviews() for _ in range(1 + two)))
        assert not world.scheduler.measures
        assert world.scheduler.on["payout"]

    asyncio.run(lives())
