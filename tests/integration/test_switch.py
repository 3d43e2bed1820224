"""Collector and prober rest while nobody is there: real handlers, and Google's client over gRPC."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from api.wiring import build_on as api_on
from collector.sweeper import announced
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.scheduling.cloud_scheduler import CloudScheduler
from coordinator.adapters.scheduling.job_control import Scheduler, SchedulerError
from coordinator.adapters.settings import PayoutSettings
from coordinator.checking.sealed_days import LotteryDay, days_around
from coordinator.epochs import Calendar
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from emulator.cloud_scheduler import service
from emulator.cloud_scheduler.book import Book
from emulator.cloud_scheduler.cron import Schedule
from emulator.cloud_scheduler.delivery import CallError
from emulator.cloud_scheduler.jobs import Job
from payout.wiring import build_on as payout_on
from tests.doubles.jobs import MemoryScheduler
from tests.doubles.memory import MemoryStore
from tests.ports import free_port
from tests.signing import auth_of, key_of
from tests.unit.functions.conftest import (
    ADDRESS,
    SPONSOR_KEY,
    STREAM,
    bearer,
    money_store,
    settings,
)

PARENT = "projects/demo/locations/local"
NAMES = [f"{PARENT}/jobs/{name}" for name in ("collector-0", "prober-even-0", "payout")]
SWITCHED = NAMES[:2]
NOON_S = 1_795_348_800.0
NODE_KEY = key_of(7)


@dataclass
class Emulated:
    """A local Cloud Scheduler with its API; its jobs call nobody."""

    book: Book
    host: str

    def on(self) -> list[str]:
        """Ids of the jobs that run."""
        return [
            name.rpartition("/")[2]
            for name in self.book.names(PARENT)
            if not self.book[name].job.is_paused
        ]


async def _refuses(job: Job, instant_s: int) -> None:
    raise CallError(f"{job.id} answered 503")


@contextlib.asynccontextmanager
async def _emulated(port: int = 0) -> AsyncIterator[Emulated]:
    book = Book(_refuses, lambda _: None)
    for name in NAMES:
        job = Job(name.rpartition("/")[2], "http://127.0.0.1:9/", Schedule.parse("0 0 1 1 *"))
        book.add(name, job)
    server, bound = await service.serve(book, "127.0.0.1", port)
    try:
        yield Emulated(book, f"127.0.0.1:{bound}")
    finally:
        await server.stop(0)
        await book.stop()


@contextlib.asynccontextmanager
async def _client(host: str, shown: list[str] = NAMES) -> AsyncIterator[CloudScheduler]:
    # Where nobody listens a call fails at once: only a busy machine needs anything like it.
    client = CloudScheduler(shown, SWITCHED, host, seconds_max=20.0)
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture(params=["memory", "grpc"])
async def scheduler(request: pytest.FixtureRequest) -> AsyncIterator[Scheduler]:
    """The twin of tests, and the real adapter."""
    if request.param == "memory":
        yield MemoryScheduler()
        return
    async with _emulated() as emulated, _client(emulated.host) as client:
        yield client


async def test_what_measures_is_switched_and_nothing_else(scheduler: Scheduler) -> None:
    """Twice is like once; the payout's job is never touched."""

    switched = [job.id for job in await scheduler.states() if job.is_switched]
    assert switched == ["collector-0", "prober-even-0"]

    async def running() -> list[str]:
        return [job.id for job in await scheduler.states() if not job.is_paused]

    assert await running() == ["collector-0", "prober-even-0", "payout"]
    for on, expected in (
        (True, ["collector-0", "prober-even-0", "payout"]),
        (False, ["payout"]),
        (False, ["payout"]),
        (True, ["collector-0", "prober-even-0", "payout"]),
    ):
        await scheduler.switch(on=on)
        assert await running() == expected


async def test_jobs_are_shown_with_their_last_and_next_run() -> None:
    """And with why the last one failed; a paused one has no next run."""
    async with _emulated() as emulated, _client(emulated.host) as client:
        before = {job.id: job for job in await client.states()}["collector-0"]
        assert before.last_s is None
        assert before.next_s == emulated.book[NAMES[0]].record.next_s
        emulated.book[NAMES[0]].run_now()
        async with asyncio.timeout(10):
            while not (after := (await client.states())[0]).failure:
                pass
        assert "503" in after.failure
        assert after.last_s is not None
        await client.switch(on=False)
        assert [job.next_s for job in (await client.states())[:2]] == [None, None]


async def test_two_who_switch_at_once_are_both_served() -> None:
    """One of them finds the job as it wished."""
    async with _emulated() as emulated, _client(emulated.host) as one:
        async with _client(emulated.host) as other:
            await asyncio.gather(*(client.switch(on=False) for client in (one, other) * 3))
        assert emulated.on() == ["payout"]


async def test_a_scheduler_that_fails_is_told_as_such() -> None:
    """Nobody listens, or the job does not exist; what can be switched is switched all the same."""
    async with _client(f"127.0.0.1:{free_port()}") as client:
        with pytest.raises(SchedulerError):
            await client.states()
    async with _emulated() as emulated, _client(emulated.host) as client:
        await emulated.book.remove(NAMES[0])
        with pytest.raises(SchedulerError, match="collector-0"):
            await client.switch(on=False)
        assert emulated.on() == ["payout"]


@dataclass
class Network:
    """api and payout on stores in memory, and on a scheduler's API at an address."""

    host: str
    measured: MemoryStore = field(default_factory=MemoryStore)
    money: MemoryStore = field(default_factory=money_store)
    now_s: float = NOON_S
    auths: dict[str, httpx.Auth] = field(default_factory=dict)
    _open: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def __aenter__(self) -> "Network":
        jobs = await self._open.enter_async_context(_client(self.host))
        self.api = await self._http(
            api_on(self.measured, self.money, settings(), lambda: self.now_s, scheduler=jobs)
        )
        told = PayoutSettings.from_env(
            {"GOOGLE_CLOUD_PROJECT": "tests", "SCHEDULER_SWITCHED": ",".join(SWITCHED)}
        )
        answer = payout_on(self.measured, self.money, told, lambda: self.now_s, jobs)
        self.payout = await self._http(Starlette(routes=[Route("/", answer, methods=["POST"])]))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def _http(self, app: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=app, client=(ADDRESS, 40_000))
        client = httpx.AsyncClient(transport=transport, base_url="http://tests")
        return await self._open.enter_async_context(client)

    @property
    def measurements(self) -> Measurements:
        return Measurements(self.measured)

    async def prober_runs(self) -> None:
        """Today and tomorrow are sealed, yesterday is opened once it may be."""
        measurements = self.measurements
        yesterday, today, tomorrow = days_around(self.now_s)
        for day in (today, tomorrow):
            await measurements.seal(LotteryDay(day, "0" * 64, 60, 4, self.now_s))
        (sealed,) = await measurements.lottery_days([yesterday])
        if sealed is not None and sealed.may_open(self.now_s):
            await measurements.publish(replace(sealed, secret=b"s"))

    async def collector_runs(self) -> None:
        """Takes in who came, and polls nobody, as the first sweep after a contact."""
        measurements = self.measurements
        last = await measurements.latest_sweeps()
        before = await measurements.roster_of(last[0]) if last else Roster(WHOLE, 1, 0.0)
        changed = await measurements.changed_nodes(before.cursor_s)
        taken = before.taking_in(announced(changed, Calendar()), int(self.now_s) // 60)
        roster = before
        if taken.slots != before.slots:
            written = await measurements.replace_roster(taken, before)
            assert written is not None
            roster = written
        tick = int(self.now_s) // 60
        sweep = Sweep(WHOLE, tick, 1, {}, roster.revision, self.now_s)
        assert await measurements.create_sweep(sweep, self.now_s)

    async def reviewed(self) -> str:
        """What a call of the payout says of the jobs."""
        answer = await self.payout.post("/")
        assert answer.status_code == (503 if answer.json()["jobs"] == "unclear" else 200)
        return str(answer.json()["jobs"])

    async def registers(self, **more: Any) -> str:
        """A stream; its id."""
        answer = await self.api.post("/streams", json=STREAM | more, headers=bearer(SPONSOR_KEY))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["stream_id"])

    async def beats(self, stream_id: str, state: str = "running", key: str = NODE_KEY) -> None:
        """A heartbeat of a node."""
        beat = {
            "stream_id": stream_id,
            "stats_port": 8080,
            "rtmp_port": 1935,
            "agent": "0.1.0",
            "engine": "restream",
            "state": state,
            "address": ADDRESS,
        }
        auth = self.auths.setdefault(key, auth_of(key, lambda: self.now_s))
        answer = await self.api.post("/nodes/heartbeat", json=beat, auth=auth)
        assert answer.status_code == 200, answer.text


ALL_ON = ["collector-0", "payout", "prober-even-0"]


async def test_an_idle_network_rests_and_a_stream_or_a_node_wakes_it() -> None:
    """From the first day on, through a stream's life, and back to rest."""
    async with _emulated() as emulated, Network(emulated.host) as network:
        assert await network.reviewed() == "measuring"  # nothing is sealed yet
        await network.prober_runs()
        assert await network.reviewed() == "resting"
        assert emulated.on() == ["payout"]

        stream_id = await network.registers()
        assert emulated.on() == ALL_ON
        assert await network.reviewed() == "measuring"  # nothing is known of who is there
        await network.collector_runs()
        network.now_s += 60
        assert await network.reviewed() == "resting"  # nobody came

        await network.beats(stream_id)
        assert emulated.on() == ALL_ON
        assert await network.reviewed() == "measuring"  # not on a roster yet
        network.now_s += 60
        await network.collector_runs()
        network.now_s += 600
        assert await network.reviewed() == "measuring"  # polled

        await network.beats(stream_id, "leaving")
        network.now_s += 60
        await network.collector_runs()
        network.now_s += 600
        assert await network.reviewed() == "resting"


async def test_a_network_with_nodes_rests_only_when_its_last_stream_is_settled() -> None:
    """Not when it ends: what was earned is held, and a fraud may yet be found."""
    async with _emulated() as emulated, Network(emulated.host) as network:
        await network.prober_runs()
        stream_id = await network.registers()
        await network.beats(stream_id)
        await network.collector_runs()
        closed = await network.api.post(f"/streams/{stream_id}/close", headers=bearer(SPONSOR_KEY))
        assert closed.status_code == 200, closed.text
        for _ in range(60):  # half hours; the holding time is 24 epochs
            network.now_s += 1_800
            await network.prober_runs()
            await network.collector_runs()
            if not await Ledger(network.money).unsettled():
                break
            await network.reviewed()
            assert emulated.on() == ALL_ON
        assert network.now_s > NOON_S + 24 * 3600
        assert await network.reviewed() == "resting"


async def test_every_midnight_the_prober_is_woken_to_seal_and_to_open() -> None:
    """A resting network's schedule has no gap either."""
    async with _emulated() as emulated, Network(emulated.host) as network:
        await network.prober_runs()
        assert await network.reviewed() == "resting"
        midnight_s = NOON_S + 12 * 3600
        network.now_s = midnight_s + 60
        assert await network.reviewed() == "measuring"  # a new tomorrow is to be sealed
        await network.prober_runs()
        assert await network.reviewed() == "resting"
        network.now_s = midnight_s + 600
        assert await network.reviewed() == "measuring"  # yesterday may be opened
        await network.prober_runs()
        assert await network.reviewed() == "resting"
        assert emulated.on() == ["payout"]


async def test_the_dashboard_shows_each_jobs_last_and_next_run() -> None:
    """And that the network rests."""
    async with _emulated() as emulated, Network(emulated.host) as network:
        await network.prober_runs()
        assert await network.reviewed() == "resting"
        page = (await network.api.get("/")).text
        for name in ("collector-0", "prober-even-0", "payout"):
            assert f"<code>{name}</code>" in page
        assert page.count("paused") == 2
        assert page.count("Next call") == 1


async def test_a_failed_resumption_is_made_up_for_by_the_next_heartbeat() -> None:
    """The scheduler is away while a node comes: nobody is refused, and the node is measured as
    soon as it is back."""
    async with _emulated() as emulated:
        port = int(emulated.host.rpartition(":")[2])
        network = await Network(emulated.host).__aenter__()
        await network.prober_runs()
        assert await network.reviewed() == "resting"
    assert await network.reviewed() == "resting"  # nobody is there: what cannot be paused, runs
    stream_id = await network.registers()
    await network.beats(stream_id)
    assert await network.reviewed() == "unclear"  # asked again by the scheduler's own retries
    async with _emulated(port) as again:
        for name in SWITCHED:
            await again.book.pause(name, is_paused=True)
        network.now_s += 30
        async with asyncio.timeout(30):  # the client waits a little before it connects anew
            while again.on() != ALL_ON:
                network.now_s += 30
                await network.beats(stream_id)
        assert await network.reviewed() == "measuring"
        await network.__aexit__()


async def test_a_node_of_a_closed_stream_wakes_nobody() -> None:
    """Strangers could else keep a network awake."""
    async with _emulated() as emulated, Network(emulated.host) as network:
        await network.prober_runs()
        stream_id = await network.registers()
        await network.api.post(f"/streams/{stream_id}/close", headers=bearer(SPONSOR_KEY))
        network.now_s += 28 * 3600
        await network.prober_runs()
        await network.payout.post("/")
        assert await network.reviewed() == "resting"
        await network.beats(stream_id)
        assert emulated.on() == ["payout"]
