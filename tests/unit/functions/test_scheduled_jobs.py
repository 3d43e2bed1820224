"""The scheduler is asked when somebody looks at the page, and not too often."""

import asyncio
from dataclasses import dataclass, field

import pytest

from api.services.scheduled_jobs import SECONDS_MIN, Jobs
from coordinator.sweeping.demand import JobState
from tests.doubles.jobs import MemoryScheduler, give_way

START_S = 1_000.0


@dataclass
class _Asked:
    """A scheduler that counts how often it is asked, and a clock beside it."""

    now_s: float = START_S
    times: int = 0
    scheduler: MemoryScheduler = field(default_factory=MemoryScheduler)

    def __post_init__(self) -> None:
        self.scheduler.turn = self._turn
        self.jobs = Jobs(self.scheduler, lambda: self.now_s)

    async def _turn(self) -> None:
        self.times += 1
        await give_way()

    async def at(self, now_s: float) -> list[JobState] | None:
        """What is told at an instant."""
        self.now_s = now_s
        return await self.jobs.now()


async def test_what_was_told_is_kept_for_a_while() -> None:
    """To the end of it, and no longer."""
    asked, told = _Asked(), []
    for after_s in (0, 7, SECONDS_MIN - 0.001, SECONDS_MIN, SECONDS_MIN + 7, 2 * SECONDS_MIN):
        asked.scheduler.on["payout"] = not asked.scheduler.on["payout"]
        await asked.at(START_S + after_s)
        told.append(asked.times)
    assert told == [1, 1, 1, 2, 2, 3]


async def test_what_is_told_anew_is_new() -> None:
    """A job that was paused meanwhile is seen to be, when the scheduler is asked again."""
    asked = _Asked()
    before = await asked.at(START_S)
    await asked.scheduler.switch(on=False)
    assert await asked.at(START_S + SECONDS_MIN - 1) == before
    after = await asked.at(START_S + SECONDS_MIN)
    assert after is not None
    assert [job.is_paused for job in after] == [True, True, False]


async def test_many_who_look_at_once_ask_once() -> None:
    """The others wait for the first one's answer."""
    asked = _Asked()
    told = await asyncio.gather(*(asked.jobs.now() for _ in range(7)))
    assert asked.times == 1
    assert all(each == told[0] for each in told)


async def test_a_scheduler_that_does_not_answer_is_not_asked_by_everybody() -> None:
    """That takes seconds; it is asked again later, and what was known before is not told."""
    asked = _Asked()
    assert await asked.at(START_S)
    asked.scheduler.is_down = True
    assert await asked.at(START_S + SECONDS_MIN) is None
    asked.scheduler.is_down = False
    assert await asked.at(START_S + SECONDS_MIN + 7) is None
    assert asked.times == 2
    assert await asked.at(START_S + 2 * SECONDS_MIN)


@pytest.mark.parametrize("now_s", [0.0, 7.0])
async def test_the_first_one_is_told_whatever_the_clock_says(now_s: float) -> None:
    """A clock may begin at zero."""
    assert await _Asked().at(now_s)


async def test_without_a_scheduler_there_are_no_jobs() -> None:
    """They always run, and nobody is asked."""
    assert await Jobs(None, lambda: START_S).now() == []
