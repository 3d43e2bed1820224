"""Google's own client talks to the local Cloud Scheduler, and its jobs call a real HTTP server."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc.aio
import pytest
from google.api_core import exceptions
from google.cloud import scheduler_v1
from google.cloud.scheduler_v1.services.cloud_scheduler.transports import (
    CloudSchedulerGrpcAsyncIOTransport,
)
from google.protobuf.field_mask_pb2 import FieldMask

from emulator.demo.options import ROOT
from tests.ports import free_port

WAIT_SECONDS_MAX = 30.0
PARENT = "projects/demo/locations/local"
NEVER = f"0 0 1 {(datetime.now(UTC).month + 5) % 12 + 1} *"
"""In half a year, whenever that is asked."""
IDENTITY = "restream-scheduler@demo.iam.gserviceaccount.com"
STATES = scheduler_v1.Job.State


@dataclass
class Target:
    """Notes every call's headers; answers with the statuses given, then with 200."""

    statuses: list[int] = field(default_factory=list)
    calls: asyncio.Queue[tuple[str, dict[str, str]]] = field(default_factory=asyncio.Queue)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *rest = head.strip().split("\r\n")
            pairs = (line.split(": ", 1) for line in rest)
            status = self.statuses.pop(0) if self.statuses else 200
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            self.calls.put_nowait((first, {name.lower(): value for name, value in pairs}))

    async def next(self) -> tuple[str, dict[str, str]]:
        return await asyncio.wait_for(self.calls.get(), WAIT_SECONDS_MAX)


@dataclass(frozen=True)
class Running:
    """A scheduler, a target, and the client that talks to the one about the other."""

    client: scheduler_v1.CloudSchedulerAsyncClient
    target: Target
    url: str

    def job(self, name: str = "one", **given: Any) -> scheduler_v1.Job:
        target = {"uri": self.url, "http_method": "POST", **given.pop("http_target", {})}
        said = {"schedule": NEVER, "time_zone": "Etc/UTC", "http_target": target, **given}
        return scheduler_v1.Job(name=f"{PARENT}/jobs/{name}", **said)

    async def caller(self) -> str:
        """The job of the next call."""
        return (await self.target.next())[1]["x-cloudscheduler-jobname"]


@contextlib.asynccontextmanager
async def _scheduler() -> AsyncIterator[Running]:
    """The program with its API, until the block is left."""
    api = free_port()
    words = ("--api", str(api))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "emulator.scheduler", *words),
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", os.defpath)},
        stdout=asyncio.subprocess.PIPE,
    )
    target = Target()
    server = await asyncio.start_server(target.answer, "127.0.0.1", 0)
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{api}")
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), WAIT_SECONDS_MAX)
        assert line.startswith(b"listening")
        yield Running(
            scheduler_v1.CloudSchedulerAsyncClient(
                transport=CloudSchedulerGrpcAsyncIOTransport(channel=channel)
            ),
            target,
            f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/?shard=0",
        )
    finally:
        await channel.close()
        server.close()
        process.terminate()
        await asyncio.wait_for(process.communicate(), WAIT_SECONDS_MAX)
    assert process.returncode == 0


async def test_a_job_is_made_read_changed_paused_resumed_and_deleted() -> None:
    """With the answers and errors that Google's client turns into its own exceptions."""
    async with _scheduler() as running:
        client, job = running.client, running.job(description="first")
        made = await client.create_job(parent=PARENT, job=job)
        assert made.state == STATES.ENABLED
        assert made.schedule_time is not None
        with pytest.raises(exceptions.AlreadyExists):
            await client.create_job(parent=PARENT, job=job)

        changed = running.job(description="second", schedule="* * * * *")
        mask = FieldMask(paths=["description", "http_target.headers"])
        after = await client.update_job(job=changed, update_mask=mask)
        assert (after.description, after.schedule) == ("second", NEVER)

        paused = await client.pause_job(name=job.name)
        assert paused.state == STATES.PAUSED
        assert not paused.schedule_time
        assert (await client.get_job(name=job.name)).state == STATES.PAUSED
        assert (await client.resume_job(name=job.name)).state == STATES.ENABLED

        await client.delete_job(name=job.name)
        for call in (client.get_job, client.pause_job, client.run_job, client.delete_job):
            with pytest.raises(exceptions.NotFound):
                await call(name=job.name)


async def test_jobs_are_listed_in_pages() -> None:
    """Every job once, whatever the size of a page."""
    async with _scheduler() as running:
        names = [f"job-{i:02}" for i in range(7)]
        for name in names:
            await running.client.create_job(parent=PARENT, job=running.job(name))
        request = scheduler_v1.ListJobsRequest(parent=PARENT, page_size=3)
        pages = [len(page.jobs) async for page in (await running.client.list_jobs(request)).pages]
        assert pages == [3, 3, 1]
        found = [
            job.name.rpartition("/")[2] async for job in await running.client.list_jobs(request)
        ]
        assert found == names


@pytest.mark.parametrize(
    "given",
    [
        {"schedule": "every minute"},
        {"time_zone": "Mars/Olympus"},
        {"attempt_deadline": timedelta(seconds=5)},
        {"attempt_deadline": timedelta(hours=1)},
        {"http_target": {"uri": "gopher://x"}},
        {"retry_config": {"retry_count": 6}},
    ],
)
async def test_a_job_that_the_cloud_would_refuse_is_refused(given: dict[str, Any]) -> None:
    """As an invalid argument, with a sentence."""
    async with _scheduler() as running:
        with pytest.raises(exceptions.InvalidArgument):
            await running.client.create_job(parent=PARENT, job=running.job(**given))


async def test_a_run_calls_a_paused_job_too_with_its_headers() -> None:
    """The identity that the cloud would make a token of is kept with the job."""
    async with _scheduler() as running:
        token = {"service_account_email": IDENTITY, "audience": "https://collector.example"}
        target = {"oidc_token": token, "headers": {"X-Own": "yes"}}
        job = running.job("sweep", http_target=target)
        await running.client.create_job(parent=PARENT, job=job)
        await running.client.pause_job(name=job.name)
        await running.client.run_job(name=job.name)
        first, headers = await running.target.next()
        assert first.startswith("POST /?shard=0")
        assert headers["x-cloudscheduler-jobname"] == "sweep"
        assert headers["user-agent"] == "Google-Cloud-Scheduler"
        assert headers["x-own"] == "yes"
        assert "authorization" not in headers
        kept = (await running.client.get_job(name=job.name)).http_target.oidc_token
        assert (kept.service_account_email, kept.audience) == tuple(token.values())


async def test_a_failed_call_is_repeated_as_its_job_says_and_the_api_tells_how_it_went() -> None:
    """Two failures, two retries, one instant."""
    async with _scheduler() as running:
        running.target.statuses += [500, 503]
        retry = {
            "retry_count": 3,
            "min_backoff_duration": timedelta(milliseconds=10),
            "max_backoff_duration": timedelta(milliseconds=20),
        }
        job = running.job("flaky", retry_config=retry)
        await running.client.create_job(parent=PARENT, job=job)
        await running.client.run_job(name=job.name)
        calls = [(await running.target.next())[1] for _ in range(3)]
        assert len({call["x-cloudscheduler-scheduletime"] for call in calls}) == 1
        assert running.target.calls.empty()
        assert (await running.client.get_job(name=job.name)).last_attempt_time is not None


async def test_a_resumed_job_calls_by_its_schedule() -> None:
    """And a paused one does not, while another does."""
    async with _scheduler() as running:
        job = running.job("ticking", schedule="every 1 seconds")
        await running.client.create_job(parent=PARENT, job=job)
        assert await running.caller() == "ticking"
        await running.client.pause_job(name=job.name)
        other = running.job("other", schedule="every 1 seconds")
        await running.client.create_job(parent=PARENT, job=other)
        while await running.caller() != "other":
            pass  # what was under way
        assert [await running.caller() for _ in range(2)] == ["other"] * 2
        await running.client.delete_job(name=other.name)
        await running.client.resume_job(name=job.name)
        while await running.caller() != "ticking":
            pass
