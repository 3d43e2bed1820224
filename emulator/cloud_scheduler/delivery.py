"""One attempt of a job: an HTTP call with Cloud Scheduler's headers, within the job's deadline."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import httpx

from emulator.cloud_scheduler.jobs import Job

CONNECT_SECONDS_MAX = 5.0
_ANSWER_CHARS_MAX = 300


class CallError(Exception):
    """A call that did not end in a 2xx answer in time. The message says why."""


Deliver = Callable[[Job, int], Awaitable[None]]
"""Makes one attempt of a job for an instant. Raises CallError."""


def headers(job: Job, instant_s: int) -> dict[str, str]:
    """What Cloud Scheduler sends along; name and time together identify a trigger."""
    at = datetime.fromtimestamp(instant_s, UTC).isoformat().replace("+00:00", "Z")
    return {
        **job.headers,
        "User-Agent": "Google-Cloud-Scheduler",
        "X-CloudScheduler": "true",
        "X-CloudScheduler-JobName": job.id,
        "X-CloudScheduler-ScheduleTime": at,
    }


def caller(client: httpx.AsyncClient) -> Deliver:
    """Delivers through the client. No token is sent: nothing here would check one."""

    async def deliver(job: Job, instant_s: int) -> None:
        sent = headers(job, instant_s)
        # httpx times out by silence; a deadline is for the whole of it, and is set by the runner.
        try:
            answer = await client.request(job.method, job.url, headers=sent, content=job.body)
        except httpx.HTTPError as error:
            raise CallError(f"{type(error).__name__}: {error}") from error
        if not answer.is_success:
            body = " ".join(answer.text.split())[:_ANSWER_CHARS_MAX]
            raise CallError(f"answered {answer.status_code}: {body}")

    return deliver


def client() -> httpx.AsyncClient:
    """A client that keeps no connection: every trigger may find a new instance."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    timeout = httpx.Timeout(None, connect=CONNECT_SECONDS_MAX)
    return httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False)
