"""The scheduler's jobs as the pages show them: read when somebody looks, and not too often."""

import asyncio
from dataclasses import dataclass, field
from math import inf

from coordinator.adapters.clock import Clock, steady
from coordinator.adapters.scheduling.job_control import Scheduler, SchedulerError
from coordinator.sweeping.demand import JobState

SECONDS_MIN = 15.0


@dataclass
class Jobs:
    """Each job's last and next run; one reader at a time, for all requests."""

    scheduler: Scheduler | None
    clock: Clock
    _read_s: float = -inf
    _states: list[JobState] | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def now(self) -> list[JobState] | None:
        """Every job, at most SECONDS_MIN old; empty where the scheduler cannot be asked, None if
        it did not answer."""
        if self.scheduler is None:
            return []
        async with self._lock:
            if steady(self.clock)() >= self._read_s + SECONDS_MIN:
                try:
                    self._states = await self.scheduler.states()
                except SchedulerError:
                    self._states = None
                self._read_s = steady(self.clock)()
            return self._states
