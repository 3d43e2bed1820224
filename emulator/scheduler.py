"""Calls URLs at fixed intervals, the way Cloud Scheduler does.

    python -m emulator.scheduler --job NAME,URL,SECONDS [--job …]

Three parts, so that each can grow alone: when (`next_instant`), what (`Job`), and how a call is
made (`Deliver`; here one HTTP POST). Calls of one job may overlap, since a call may last longer
than the interval. A call that fails is reported on stdout, in one line, and the next one comes.
"""

import argparse
import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

DEADLINE_SECONDS = 60.0
IN_FLIGHT_MAX = 6
CONNECT_SECONDS_MAX = 5.0
_ANSWER_CHARS_MAX = 300


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to call, again and again."""

    name: str
    url: str
    interval_s: int
    deadline_s: float = DEADLINE_SECONDS
    in_flight_max: int = IN_FLIGHT_MAX

    @classmethod
    def parse(cls, text: str) -> "Job":
        """From `NAME,URL,SECONDS`. Raises ValueError with what is wrong."""
        name, _, rest = text.partition(",")
        url, _, seconds = rest.rpartition(",")
        if not name or not url.startswith(("http://", "https://")):
            raise ValueError(f"a job is NAME,URL,SECONDS with an http URL, not {text!r}")
        if not seconds.isdigit() or int(seconds) < 1:
            raise ValueError(f"a job's interval is a whole number of seconds, not {seconds!r}")
        return cls(name, url, int(seconds))


def next_instant(now_s: float, interval_s: int) -> int:
    """The first multiple of the interval after `now_s` (both Unix seconds): late starts and
    pauses skip instants, and never shift them."""
    return (int(now_s // interval_s) + 1) * interval_s


def headers(job: Job, instant_s: int) -> dict[str, str]:
    """What Cloud Scheduler sends along; name and time together identify a call."""
    at = datetime.fromtimestamp(instant_s, UTC).isoformat().replace("+00:00", "Z")
    return {
        "User-Agent": "Google-Cloud-Scheduler",
        "X-CloudScheduler": "true",
        "X-CloudScheduler-JobName": job.name,
        "X-CloudScheduler-ScheduleTime": at,
    }


class CallError(Exception):
    """A call that did not end in a 2xx answer in time. The message says why."""


Deliver = Callable[[Job, int], Awaitable[None]]
"""Makes the call of a job for an instant. Raises CallError."""


def post(client: httpx.AsyncClient) -> Deliver:
    """Delivers by HTTP POST with an empty body."""

    async def deliver(job: Job, instant_s: int) -> None:
        try:
            async with asyncio.timeout(job.deadline_s):
                answer = await client.post(job.url, headers=headers(job, instant_s))
        except TimeoutError:
            raise CallError(f"no answer within {job.deadline_s:g} s") from None
        except httpx.HTTPError as error:
            raise CallError(f"{type(error).__name__}: {error}") from error
        if not answer.is_success:
            body = " ".join(answer.text.split())[:_ANSWER_CHARS_MAX]
            raise CallError(f"answered {answer.status_code}: {body}")

    return deliver


class Ticker:
    """Delivers one job at each of its instants, for ever."""

    def __init__(self, job: Job, deliver: Deliver, say: Callable[[str], None]) -> None:
        self._job = job
        self._deliver = deliver
        self._say = say
        self._calls: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Runs until cancelled; calls in flight are then given up."""
        instant_s = next_instant(time.time(), self._job.interval_s)
        try:
            while True:
                if (wait_s := instant_s - time.time()) > 0:
                    await asyncio.sleep(wait_s)  # may wake a little early: then once more
                    continue
                self.tick(instant_s)
                instant_s = next_instant(max(time.time(), instant_s), self._job.interval_s)
        finally:
            for call in self._calls:
                call.cancel()

    def tick(self, instant_s: int) -> None:
        """Starts the call for one instant, unless too many are still under way."""
        if len(self._calls) >= self._job.in_flight_max:
            self._say(f"{self._job.name} skipped: {len(self._calls)} calls are still under way")
            return
        call = asyncio.create_task(self._call(instant_s))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _call(self, instant_s: int) -> None:
        try:
            await self._deliver(self._job, instant_s)
        except CallError as error:
            self._say(f"{self._job.name} failed: {error}")
        except Exception as error:  # no call may ever end the schedule
            self._say(f"{self._job.name} failed: {error!r}")


async def run(jobs: Sequence[Job], say: Callable[[str], None]) -> None:
    """Runs all jobs until cancelled."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    timeout = httpx.Timeout(None, connect=CONNECT_SECONDS_MAX)  # the rest: each job's deadline
    async with (
        httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False) as client,
        asyncio.TaskGroup() as tickers,
    ):
        for job in jobs:
            tickers.create_task(Ticker(job, post(client), say).run())


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m emulator.scheduler", description=__doc__)
    parser.add_argument("--job", action="append", required=True, metavar="NAME,URL,SECONDS")
    try:
        jobs = [Job.parse(text) for text in parser.parse_args(argv).job]
    except ValueError as error:
        parser.error(str(error))
    asyncio.run(_until_terminated(run(jobs, lambda line: print(line, flush=True))))


async def _until_terminated(work: Awaitable[None]) -> None:
    task = asyncio.ensure_future(work)
    for stop in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    main()
