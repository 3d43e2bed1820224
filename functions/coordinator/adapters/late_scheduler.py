"""The real scheduler, from its first use on.

Google's client takes a fifth of a second to import, as long as the rest of a function takes to
start; it is imported when the jobs are asked for, in a thread.
"""

import asyncio
from dataclasses import dataclass

from coordinator.adapters.scheduler import Scheduler
from coordinator.adapters.settings import JobSettings
from coordinator.polling.jobs import JobState


@dataclass
class LateScheduler:
    """The real one (`adapters.cloud_scheduler`), from its first use on."""

    settings: JobSettings
    _real: Scheduler | None = None

    async def states(self) -> list[JobState]:
        return await (await self._scheduler()).states()

    async def switch(self, *, on: bool) -> None:
        await (await self._scheduler()).switch(on=on)

    async def _scheduler(self) -> Scheduler:
        if self._real is None:
            real = await asyncio.to_thread(_cloud_scheduler, self.settings)
            self._real = self._real or real
        return self._real


def scheduler_of(settings: JobSettings) -> Scheduler | None:
    """As the settings say; None if they name no job: then all of them always run."""
    if not (settings.scheduler_jobs or settings.scheduler_switched):
        return None
    return LateScheduler(settings)


def _cloud_scheduler(settings: JobSettings) -> Scheduler:
    from coordinator.adapters.cloud_scheduler import CloudScheduler  # noqa: PLC0415 - it is late on purpose

    return CloudScheduler(
        settings.scheduler_jobs, settings.scheduler_switched, settings.scheduler_emulator_host
    )
