"""Runs one job: waits for its instants, delivers, and repeats what failed as the job says."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from emulator.cloud_scheduler.delivery import CallError, Deliver
from emulator.cloud_scheduler.jobs import Job

IN_FLIGHT_MAX = 6


@dataclass
class Record:
    """How a job fares, as the API tells it."""

    next_s: int | None = None
    """The instant that is waited for; None while paused."""
    attempt_s: float | None = None
    """When the last attempt began."""
    failure: str | None = None
    """Why the last attempt failed; None if it did not."""


class Runner:
    """A job's own schedule, from `start` to `stop`."""

    def __init__(self, job: Job, deliver: Deliver, say: Callable[[str], None]) -> None:
        self.job = job
        self.record = Record()
        self._deliver = deliver
        self._say = say
        self._calls: set[asyncio.Task[None]] = set()
        self._waiting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Waits for the next instant from now on, unless the job is paused."""
        if not self.job.is_paused:
            self.record.next_s = self.job.schedule.next_after(time.time())
            self._waiting = asyncio.create_task(self._wait(self.record.next_s))

    async def stop(self) -> None:
        """No trigger any more; calls in flight are given up."""
        self.pause()
        for call in list(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def pause(self) -> None:
        """No trigger any more; calls in flight go on."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        self.record.next_s = None

    def run_now(self) -> None:
        """One trigger at once, also of a paused job."""
        self.trigger(int(time.time()))

    def trigger(self, instant_s: int) -> None:
        """Starts the call for one instant, unless too many are still under way."""
        if len(self._calls) >= IN_FLIGHT_MAX:
            self._say(f"{self.job.id} skipped: {len(self._calls)} calls are still under way")
            return
        call = asyncio.create_task(self._call(instant_s))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _wait(self, instant_s: int) -> None:
        schedule = self.job.schedule
        while True:
            self.record.next_s = instant_s
            if (wait_s := instant_s - time.time()) > 0:
                await asyncio.sleep(wait_s)  # may wake a little early: then once more
                continue
            if not schedule.may_overlap and self._calls:
                # As in the cloud: a start is delayed while the one before has not ended.
                await asyncio.wait(self._calls)
            self.trigger(instant_s)
            instant_s = schedule.next_after(max(time.time(), instant_s))

    async def _call(self, instant_s: int) -> None:
        begun_s, retries = time.monotonic(), 0
        while True:
            failure = await self._attempt(instant_s)
            elapsed_s = time.monotonic() - begun_s
            if failure is None or not self.job.retry.is_due(retries, elapsed_s):
                return
            await asyncio.sleep(self.job.retry.pause_s(retries))
            retries += 1

    async def _attempt(self, instant_s: int) -> str | None:
        """Why it failed, if it did; whatever happens, the schedule goes on."""
        self.record.attempt_s = time.time()
        failure: str | None = None
        try:
            async with asyncio.timeout(self.job.deadline_s):
                await self._deliver(self.job, instant_s)
        except TimeoutError:
            failure = f"no answer within {self.job.deadline_s:g} s"
        except CallError as error:
            failure = str(error)
        except Exception as error:  # no call may ever end the schedule
            failure = repr(error)
        self.record.failure = failure
        if failure is not None:
            self._say(f"{self.job.id} failed: {failure}")
        return failure
