"""All jobs of a local scheduler: added, changed, paused, run, and kept in a file if asked."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulator.cloud_scheduler.delivery import Deliver
from emulator.cloud_scheduler.jobs import Job, Retry
from emulator.cloud_scheduler.runner import Runner
from emulator.cloud_scheduler.schedule import Schedule
from emulator.cloud_scheduler.trouble import Trouble


class Book:
    """Jobs by name; a name is an id, or `projects/…/jobs/ID` for those made through the API."""

    def __init__(
        self,
        deliver: Deliver,
        say: Callable[[str], None],
        trouble: Trouble | None = None,
        file: Path | None = None,
    ) -> None:
        self._deliver = deliver
        self._say = say
        self._trouble = trouble or Trouble()
        self._file = file
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
        runner = self._begin(name, job)
        self._keep()
        return runner

    async def replace(self, name: str, job: Job) -> Runner:
        """Another definition; its calls in flight go on as they were. KeyError if unknown."""
        self._runners[name].pause()
        runner = self._begin(name, job)
        self._keep()
        return runner

    async def remove(self, name: str) -> None:
        """KeyError if unknown."""
        await self._runners.pop(name).stop()
        self._keep()

    async def pause(self, name: str, *, is_paused: bool) -> Runner:
        """Pauses or resumes; KeyError if unknown."""
        runner = self._runners[name]
        if runner.job.is_paused != is_paused:
            runner.pause()
            runner.job = dataclasses.replace(runner.job, is_paused=is_paused)
            runner.start()
            self._keep()
        return runner

    async def stop(self) -> None:
        """Ends every job and every call."""
        for runner in self._runners.values():
            await runner.stop()

    def load(self) -> None:
        """Begins what the file holds, if there is one; the file is left as it is."""
        if self._file is not None and self._file.exists():
            for name, fields in json.loads(self._file.read_text()).items():
                self._begin(name, _job(fields))

    def _begin(self, name: str, job: Job) -> Runner:
        runner = Runner(job, self._deliver, self._say, self._trouble)
        before = self._runners.get(name)
        if before is not None:
            runner.record = dataclasses.replace(before.record, next_s=None)
        self._runners[name] = runner
        runner.start()
        return runner

    def _keep(self) -> None:
        if self._file is not None:
            jobs = {name: _fields(runner.job) for name, runner in self._runners.items()}
            draft = self._file.with_name(f".{self._file.name}")
            draft.write_text(json.dumps(jobs, indent=1))
            draft.replace(self._file)  # a file is whole, or it is the one before


def _fields(job: Job) -> dict[str, Any]:
    fields = dataclasses.asdict(job)
    fields["body"] = job.body.hex()
    fields["schedule"] = [job.schedule.text, job.schedule.time_zone]
    return fields


def _job(fields: dict[str, Any]) -> Job:
    read = dict(fields)
    read["body"] = bytes.fromhex(read["body"])
    read["schedule"] = Schedule.parse(*read["schedule"])
    read["retry"] = Retry(**read["retry"])
    return Job(**read)
