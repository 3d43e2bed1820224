"""When the scheduler calls, whom, with what, and how often again."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emulator.cloud_scheduler.cron import Schedule, ScheduleError
from emulator.cloud_scheduler.delivery import CallError, headers
from emulator.cloud_scheduler.jobs import Job, JobError, Retry, defined
from emulator.cloud_scheduler.runner import IN_FLIGHT_MAX, Runner

ROOT = Path(__file__).resolve().parents[3]
DEFINITIONS = ROOT / "terraform" / "jobs.json"
URLS = {name: f"http://127.0.0.1:1{i}/" for i, name in enumerate(("collector", "prober", "payout"))}
JOB = Job("collector", "http://127.0.0.1:9/?shard=0", Schedule.parse("every 5 seconds"))


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("now_s", "interval_s", "instant_s"),
    [
        (1_000_000_000.0, 5, 1_000_000_005),
        (1_000_000_003.999, 5, 1_000_000_005),
        (1_000_000_004.001, 7, 1_000_000_008),
        (59.5, 60, 60),
        (60.0, 60, 120),
    ],
)
def test_instants_of_an_interval_are_wall_clock_multiples_after_now(
    now_s: float, interval_s: int, instant_s: int
) -> None:
    """A late start or a pause skips instants, and never shifts them."""
    assert Schedule.parse(f"every {interval_s} seconds").next_after(now_s) == instant_s


@pytest.mark.parametrize(
    ("cron", "zone", "now", "then"),
    [
        ("* * * * *", "Etc/UTC", "2026-11-22T14:00:00", "2026-11-22T14:01:00"),
        ("4-59/10 * * * *", "Etc/UTC", "2026-11-22T14:55:00", "2026-11-22T15:04:00"),
        ("0 9 * * 1-5", "Europe/Berlin", "2026-11-20T12:00:00", "2026-11-23T08:00:00"),
        ("0 9 * * 1-5", "America/New_York", "2026-11-22T12:00:00", "2026-11-23T14:00:00"),
        ("0 0 1 jan *", "Etc/UTC", "2026-11-22T14:00:00", "2027-01-01T00:00:00"),
        ("30 12 * * *", "Europe/Berlin", "2026-03-28T12:00:00", "2026-03-29T10:30:00"),
    ],
)
def test_cron_is_read_in_its_time_zone(cron: str, zone: str, now: str, then: str) -> None:
    """The last line crosses the beginning of summer time."""
    assert Schedule.parse(cron, zone).next_after(_at(now)) == _at(then)


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("", "UTC"),
        ("* * * *", "UTC"),
        ("* * * * * *", "UTC"),
        ("61 * * * *", "UTC"),
        ("0 0 30 2 *", "UTC"),
        ("every 0 seconds", "UTC"),
        ("every 100000 seconds", "UTC"),
        ("* * * * *", "Middle/Earth"),
        ("* * * * *", "../../etc/passwd"),
    ],
)
def test_a_schedule_that_is_never_due_is_refused(text: str, zone: str) -> None:
    """With a sentence."""
    with pytest.raises(ScheduleError):
        Schedule.parse(text, zone)


def test_a_job_is_read_from_its_command_line_form() -> None:
    """Commas in the URL stay in the URL."""
    job = Job.parse("x,http://h/?a=1,2,7")
    assert (job.id, job.url, job.schedule.interval_s) == ("x", "http://h/?a=1,2", 7)


@pytest.mark.parametrize(
    "text",
    ["", "x", "x,http://h/", "x,ftp://h/,5", ",http://h/,5", "x,http://h/,0", "x,http://h/,1.5"],
)
def test_a_job_that_makes_no_sense_is_refused(text: str) -> None:
    """Before anything is called."""
    with pytest.raises(ValueError, match=r"job|seconds"):
        Job.parse(text)


def test_calls_carry_cloud_schedulers_headers() -> None:
    """Name and time together identify a trigger."""
    sent = headers(JOB, 1_795_359_845)
    assert sent["X-CloudScheduler"] == "true"
    assert sent["X-CloudScheduler-JobName"] == "collector"
    assert sent["X-CloudScheduler-ScheduleTime"] == "2026-11-22T15:04:05Z"


def test_a_pause_doubles_and_then_grows_evenly_up_to_its_limit() -> None:
    """As Google's documentation gives the example."""
    retry = Retry(5, 0.0, 10.0, 300.0, 3)
    assert [retry.pause_s(n) for n in range(8)] == [10, 20, 40, 80, 160, 240, 300, 300]


@pytest.mark.parametrize(
    ("retry", "retries", "elapsed_s", "again"),
    [
        (Retry(), 0, 1.0, False),
        (Retry(2), 1, 999.0, True),
        (Retry(2), 2, 0.0, False),
        (Retry(0, 30.0), 7, 29.0, True),
        (Retry(0, 30.0), 7, 31.0, False),
        (Retry(3, 30.0), 2, 31.0, True),
    ],
)
def test_what_failed_is_repeated_until_both_limits_are_reached(
    retry: Retry, retries: int, elapsed_s: float, again: bool
) -> None:
    """Those that are set."""
    assert retry.is_due(retries, elapsed_s) is again


def test_the_clouds_jobs_run_here_too() -> None:
    """One definition: a job for each shard, and for each part a run of checks every minute."""
    jobs = {job.id: job for job in defined(DEFINITIONS, URLS, shards=3, partitions=2)}
    collectors = {f"collector-{shard}" for shard in range(3)}
    probers = {f"prober-{turn}-{part}" for turn in ("even", "odd") for part in range(2)}
    assert jobs.keys() == collectors | probers | {"payout"}
    assert jobs["prober-odd-1"].url == "http://127.0.0.1:11/?partition=1"
    assert jobs["collector-2"].url == "http://127.0.0.1:10/?shard=2"
    noon = _at("2026-11-22T12:00:00")
    first = {jobs[name].schedule.next_after(noon) for name in ("prober-even-0", "prober-odd-0")}
    assert first == {noon + 60, noon + 120}
    assert all(job.identity and job.audience for job in jobs.values())


def test_a_definition_without_an_address_for_a_function_is_refused() -> None:
    """With the name that is missing."""
    with pytest.raises(JobError, match="prober"):
        defined(DEFINITIONS, {"collector": "http://127.0.0.1:1"})


class Target:
    """Notes the instants it is called for; answers when released."""

    def __init__(self, failures: int = 0) -> None:
        self.calls: list[int] = []
        self.release = asyncio.Event()
        self.called = asyncio.Event()
        self._failures = failures

    async def deliver(self, job: Job, instant_s: int) -> None:
        self.calls.append(instant_s)
        self.called.set()
        await self.release.wait()
        if len(self.calls) <= self._failures:
            raise CallError("answered 500: no")


async def test_calls_of_a_job_overlap_up_to_a_limit() -> None:
    """Then instants are skipped, and said to be."""
    target, said = Target(), list[str]()
    runner = Runner(JOB, target.deliver, said.append)
    for instant_s in range(IN_FLIGHT_MAX + 1):
        runner.trigger(instant_s)
        await asyncio.sleep(0)
    assert target.calls == list(range(IN_FLIGHT_MAX))
    assert said == ["collector skipped: 6 calls are still under way"]
    await runner.stop()


async def test_a_failed_attempt_is_repeated_for_the_same_instant() -> None:
    """Until one succeeds."""
    target, said = Target(failures=2), list[str]()
    target.release.set()
    job = Job("x", "http://h/", JOB.schedule, retry=Retry(5, 0.0, 0.001, 0.002, 1))
    runner = Runner(job, target.deliver, said.append)
    runner.trigger(7)
    async with asyncio.timeout(10):
        while len(target.calls) < 3:
            target.called.clear()
            await target.called.wait()
    await asyncio.sleep(0)
    assert target.calls == [7, 7, 7]
    assert len(said) == 2
    assert runner.record.failure is None
    await runner.stop()


async def test_a_call_past_its_deadline_is_given_up() -> None:
    """And reported."""
    target, said = Target(), asyncio.Queue[str]()
    job = Job("slow", "http://h/", JOB.schedule, deadline_s=0.01)
    runner = Runner(job, target.deliver, said.put_nowait)
    runner.trigger(1)
    async with asyncio.timeout(10):
        assert await said.get() == "slow failed: no answer within 0.01 s"
    await runner.stop()
