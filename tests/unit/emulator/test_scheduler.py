"""When the scheduler calls, whom, and with what."""

import asyncio

import pytest

from emulator.scheduler import CallError, Job, Ticker, headers, next_instant

JOB = Job("collector", "http://127.0.0.1:9/?shard=0", 5, in_flight_max=2)


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
def test_instants_are_wall_clock_multiples_of_the_interval_after_now(
    now_s: float, interval_s: int, instant_s: int
) -> None:
    assert next_instant(now_s, interval_s) == instant_s
    assert instant_s % interval_s == 0


def test_a_pause_skips_instants_and_does_not_shift_them() -> None:
    before = next_instant(100.2, 5)
    after_a_pause = next_instant(before + 3600.1, 5)
    assert (after_a_pause - before) % 5 == 0
    assert after_a_pause - (before + 3600.1) < 5


def test_a_job_is_read_from_its_command_line_form() -> None:
    job = Job.parse("collector,http://127.0.0.1:2311/?shard=0,13")
    assert (job.name, job.url, job.interval_s) == (
        "collector",
        "http://127.0.0.1:2311/?shard=0",
        13,
    )


def test_commas_in_the_url_stay_in_the_url() -> None:
    assert Job.parse("x,http://h/?a=1,2,7").url == "http://h/?a=1,2"


@pytest.mark.parametrize(
    "text",
    ["", "x", "x,http://h/", "x,ftp://h/,5", ",http://h/,5", "x,http://h/,0", "x,http://h/,1.5"],
)
def test_a_job_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a job"):
        Job.parse(text)


def test_calls_carry_cloud_schedulers_headers() -> None:
    sent = headers(JOB, 1_795_359_845)
    assert sent["X-CloudScheduler"] == "true"
    assert sent["X-CloudScheduler-JobName"] == "collector"
    assert sent["X-CloudScheduler-ScheduleTime"] == "2026-11-22T15:04:05Z"


async def test_calls_of_one_job_overlap_up_to_its_limit() -> None:
    begun: list[int] = []
    said: list[str] = []
    release = asyncio.Event()

    async def deliver(job: Job, instant_s: int) -> None:
        begun.append(instant_s)
        await release.wait()

    ticker = Ticker(JOB, deliver, said.append)
    for instant_s in (5, 10, 15):
        ticker.tick(instant_s)
        await asyncio.sleep(0)
    assert begun == [5, 10]
    assert said == ["collector skipped: 2 calls are still under way"]
    release.set()
    await _settle()
    ticker.tick(20)
    await _settle()
    assert begun == [5, 10, 20]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (CallError("answered 500: no"), "collector failed: answered 500: no"),
        (RuntimeError("odd"), "collector failed: RuntimeError('odd')"),
    ],
)
async def test_a_failed_call_is_said_and_the_next_one_comes(error: Exception, says: str) -> None:
    said: list[str] = []
    calls: list[int] = []

    async def deliver(job: Job, instant_s: int) -> None:
        calls.append(instant_s)
        raise error

    ticker = Ticker(JOB, deliver, said.append)
    ticker.tick(5)
    await _settle()
    ticker.tick(10)
    await _settle()
    assert calls == [5, 10]
    assert said == [says, says]


async def _settle() -> None:
    """Lets every task that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)
