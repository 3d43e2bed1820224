"""Cloud Scheduler's jobs through Google's own client: how they fare, pausing and resuming them.

Only the jobs that settings name are ever touched. Every call names its own time limit.
Google's client is imported at its first use: that takes a tenth of a second, and most instances
of the api start, answer and end without it.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import grpc.aio
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError

from coordinator.adapters.scheduling.job_control import Scheduler, SchedulerError
from coordinator.adapters.settings import JobSettings
from coordinator.sweeping.demand import JobState

if TYPE_CHECKING:
    from google.cloud.scheduler_v1 import CloudSchedulerAsyncClient

SECONDS_MAX = 5.0


def scheduler_of(settings: JobSettings) -> Scheduler | None:
    """As the settings say; None if they name no job: then all of them always run."""
    if not (settings.scheduler_jobs or settings.scheduler_switched):
        return None
    return CloudScheduler(
        settings.scheduler_jobs, settings.scheduler_switched, settings.scheduler_emulator_host
    )


class CloudScheduler:
    """The real one. Connects on first use, on the event loop of that use."""

    def __init__(
        self,
        shown: Sequence[str],
        switched: Sequence[str],
        emulator_host: str = "",
        *,
        seconds_max: float = SECONDS_MAX,
    ) -> None:
        """Jobs by their whole names, `projects/P/locations/L/jobs/ID`."""
        self._shown = tuple(shown)
        self._switched = tuple(switched)
        self._emulator_host = emulator_host
        self._seconds_max = seconds_max
        self._connected: CloudSchedulerAsyncClient | None = None

    async def states(self) -> list[JobState]:
        found = await self._all(self._get(name) for name in self._shown)
        return [_state(job, is_switched=job.name in self._switched) for job in found]

    async def switch(self, *, on: bool) -> None:
        await self._all(self._switch(name, on=on) for name in self._switched)

    async def close(self) -> None:
        """Ends the connection."""
        if self._connected is not None:
            await self._connected.transport.close()  # type: ignore[no-untyped-call]  # Google's own
            self._connected = None

    async def _switch(self, name: str, *, on: bool) -> None:
        """Asks first: only a running job can be paused, and only a paused one resumed."""
        wanted = "ENABLED" if on else "PAUSED"
        if (await self._get(name)).state.name == wanted:
            return
        change = self._client().resume_job if on else self._client().pause_job
        try:
            await change(name=name, retry=None, timeout=self._seconds_max)
        except exceptions.FailedPrecondition:
            if (await self._get(name)).state.name != wanted:  # else somebody was faster
                raise

    async def _get(self, name: str) -> Any:
        return await self._client().get_job(name=name, retry=None, timeout=self._seconds_max)

    async def _all(self, calls: Iterable[Awaitable[Any]]) -> list[Any]:
        """All at once; what one cannot do does not keep the others from it."""
        done = await asyncio.gather(*calls, return_exceptions=True)
        for each in done:
            if isinstance(each, exceptions.GoogleAPIError | GoogleAuthError):
                raise SchedulerError(str(each)) from each
            if isinstance(each, BaseException):
                raise each
        return done

    def _client(self) -> "CloudSchedulerAsyncClient":
        if self._connected is None:
            # Here and not above: see the first lines of this module.
            from google.cloud.scheduler_v1 import CloudSchedulerAsyncClient  # noqa: PLC0415

            transport = None
            if self._emulator_host:
                channel = grpc.aio.insecure_channel(self._emulator_host)
                make = CloudSchedulerAsyncClient.get_transport_class("grpc_asyncio")
                transport = make(channel=channel)
            self._connected = CloudSchedulerAsyncClient(transport=transport)
        return self._connected


def _state(job: Any, *, is_switched: bool) -> JobState:
    return JobState(
        id=job.name.rpartition("/")[2],
        is_paused=job.state.name == "PAUSED",
        last_s=_instant(job.last_attempt_time),
        next_s=_instant(job.schedule_time) if job.state.name == "ENABLED" else None,
        failure=(job.status.message or "failed") if job.status.code else "",
        is_switched=is_switched,
    )


def _instant(at: datetime | None) -> float | None:
    return at.timestamp() if at else None
