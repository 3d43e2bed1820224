"""Two deadlines on one timer."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from coordinator.adapters.outbound.shared_timer import GRACE_S, SharedTimer, StagedDeadline


async def _for_ever() -> None:
    await asyncio.get_running_loop().create_future()


async def test_the_first_stage_has_its_own_deadline() -> None:
    """The second one is far away."""
    now = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError), StagedDeadline(SharedTimer(), now, now + 1_000):
        await _for_ever()


async def test_the_second_stage_is_not_ended_by_the_first_deadline() -> None:
    """Only by its own."""
    loop = asyncio.get_running_loop()
    now = loop.time()
    deadline = StagedDeadline(SharedTimer(), now, now + 0.05)
    passed = asyncio.Event()

    async def second_stage() -> None:
        deadline.is_first_stage = False
        loop.call_at(now + 0.01, passed.set)
        await passed.wait()
        await _for_ever()

    with pytest.raises(TimeoutError), deadline:
        await second_stage()
    assert passed.is_set()


async def test_what_ends_in_time_is_left_alone() -> None:
    """And the task can be cancelled afterwards as ever."""
    now = asyncio.get_running_loop().time()
    with StagedDeadline(SharedTimer(), now + 1_000, now + 2_000):
        await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_of_what_is_over_the_timer_keeps_nothing() -> None:
    """However far its deadline is away: a sweep's polls would pile up for seconds."""
    now, timer = asyncio.get_running_loop().time(), SharedTimer()
    deadline = StagedDeadline(timer, now + 1_000, now + 2_000)
    with deadline:
        assert deadline in timer
    assert deadline not in timer


async def test_a_task_is_cancelled_once() -> None:
    """What it does at its end may take a while: its deadline does not come again."""
    now, timer = asyncio.get_running_loop().time(), SharedTimer()
    deadline = StagedDeadline(timer, now, now)
    is_kept = list[bool]()

    async def ending_slowly() -> None:
        try:
            await _for_ever()
        finally:
            is_kept.append(deadline in timer)

    with pytest.raises(TimeoutError), deadline:
        await ending_slowly()
    assert is_kept == [False]


async def test_a_cancellation_from_outside_stays_one() -> None:
    """It is no timeout, or a process could not be stopped."""

    async def guarded() -> None:
        now = asyncio.get_running_loop().time()
        with StagedDeadline(SharedTimer(), now + 1_000, now + 2_000):
            await _for_ever()

    task = asyncio.create_task(guarded())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_block_is_passed_on() -> None:
    """A refused connection is not a timeout."""
    now = asyncio.get_running_loop().time()
    with pytest.raises(ConnectionError), StagedDeadline(SharedTimer(), now + 1_000, now + 2_000):
        raise ConnectionError


async def test_deadlines_share_a_timer_and_come_at_their_own_times() -> None:
    """In whatever order they were set, and passing by those that are over."""
    now, timer, cancelled = asyncio.get_running_loop().time(), SharedTimer(), list[float]()

    async def guarded(seconds: float) -> None:
        try:
            with StagedDeadline(timer, now + seconds, now + 1_000):
                await _for_ever()
        except TimeoutError:
            cancelled.append(seconds)

    async def in_time() -> None:
        with StagedDeadline(timer, now + 0.01, now + 1_000):
            await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await asyncio.gather(guarded(0.03), guarded(0.02), in_time(), guarded(0.02))
    assert cancelled == [0.02, 0.02, 0.03]


def test_a_timer_begins_anew_in_another_loop() -> None:
    """What an ended loop still waited for does not keep it silent."""
    timer = SharedTimer()

    async def guarded(seconds: float, wait: float) -> None:
        now = asyncio.get_running_loop().time()
        with StagedDeadline(timer, now + seconds, now + 1_000):
            await asyncio.sleep(wait)

    asyncio.run(guarded(0.5, 0))
    with pytest.raises(TimeoutError):
        asyncio.run(guarded(0.01, 5))


class _StarvedLoop(asyncio.SelectorEventLoop):
    """A loop that can miss some time, as on a machine that had no processor for it."""

    missed_s = 0.0

    def time(self) -> float:
        return super().time() + self.missed_s

    def miss(self, seconds: float) -> None:
        """Nothing is looked at meanwhile."""
        self.missed_s += seconds


def _starved(case: Callable[[_StarvedLoop], Awaitable[None]]) -> None:
    loop = _StarvedLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(asyncio.wait_for(case(loop), 10))


def test_an_answer_that_waited_for_us_counts() -> None:
    """The machine was busy past the deadline, and the answer lay there."""

    async def case(loop: _StarvedLoop) -> None:
        now, answer = loop.time(), loop.create_future()
        loop.call_soon(loop.miss, 0.4)
        loop.call_at(now + 0.06, answer.set_result, 7)
        with StagedDeadline(SharedTimer(), now + 0.05, now + 1_000):
            assert await answer == 7

    _starved(case)


def test_silence_is_silence_on_a_busy_machine_too() -> None:
    """Only once is more time given, and little."""

    async def case(loop: _StarvedLoop) -> None:
        now = loop.time()
        loop.call_soon(loop.miss, 0.4)
        with pytest.raises(TimeoutError), StagedDeadline(SharedTimer(), now + 0.05, now + 0.05):
            await _for_ever()
        assert loop.time() - now >= 0.4 + GRACE_S

    _starved(case)
