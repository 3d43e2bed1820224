"""All jobs of a local scheduler: added, changed, paused and run."""

import dataclasses
from collections.abc import Callable

from emulator.cloud_scheduler.delivery import Deliver
from emulator.cloud_scheduler.jobs import Job
from emulator.cloud_scheduler.runner import Runner


class Book:
    """Jobs by name; a name is an id, or `projects/…/jobs/ID` for those made through the API."""

    def __init__(self, deliver: Deliver, say: Callable[[str], None]) -> None:
        self._deliver = deliver
        self._say = say
        self._runners: dict[str, Runner] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._runners

    def __getitem__(self, name: str) -> Runner:
        return self._runners[name]

    def names(self, parent: str) -> list[str]:
        """Of the jobs of a location, in order."""
        return sorted(name for name in self._runners if name.startswith(f"{parent}/jobs/"))

    def add(self, name: str, job: Job) -> Runner:
        """A new job, which begins at once. KeyError if there is one of this name."""
        if name in self._runners:
            raise KeyError(name)
        return self._begin(name, job)

    async def replace(self, name: str, job: Job) -> Runner:
        """Another definition; its calls in flight go on as they were. KeyError if unknown."""
        self._runners[name].pause()
        return self._begin(name, job)

    async def remove(self, name: str) -> None:
        """KeyError if unknown."""
        await self._runners.pop(name).stop()

    async def pause(self, name: str, *, is_paused: bool) -> Runner:
        """Pauses or resumes; KeyError if unknown."""
        runner = self._runners[name]
        if runner.job.is_paused != is_paused:
            runner.pause()
            runner.job = dataclasses.replace(runner.job, is_paused=is_paused)
            runner.start()
        return runner

    async def stop(self) -> None:
        """Ends every job and every call."""
        for runner in self._runners.values():
            await runner.stop()

    def _begin(self, name: str, job: Job) -> Runner:
        runner = Runner(job, self._deliver, self._say)
        before = self._runners.get(name)
        if before is not None:
            runner.record = dataclasses.replace(before.record, next_s=None)
        self._runners[name] = runner
        runner.start()
        return runner
