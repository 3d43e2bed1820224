"""Anyone can confirm a day's checks from public data; every way of cheating shows."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Any

import httpx
import pytest

from coordinator.adapters.log import Log
from coordinator.adapters.media.camera import picture_of
from coordinator.adapters.media.rtmp_reference import ReferencePool
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.store.protocol import Ref
from coordinator.checking.checks import RUNS, Check, Control, Run, TrustChange, Verdict
from coordinator.checking.lengths import Length
from coordinator.checking.lottery import day_of
from coordinator.checking.partitions import Partition, partitions_of
from coordinator.checking.trust_book import TrustBook
from coordinator.epochs import Calendar
from coordinator.ledger.published_settings import PublishedSettings
from coordinator.proof.judging import ProofParameters
from coordinator.reasons import Reason
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import SWEEP_AGE_TICKS_MAX, Sweep
from prober.capacity import Capacity
from prober.captor import captor_of
from prober.checker import Checker
from prober.draws import Due, candidates, due_in, frauds_among
from prober.pictures import Pictures
from prober.prober import Prober
from prober.sealer import Sealer
from tests.builders import an_attempt
from tests.doubles.memory import MemoryStore
from tests.unit.functions.conftest import settings
from tests.unit.functions.own_api import own_api
from tools.verify.public import PublicRecord
from tools.verify.schedule import AGREES, DISAGREES, TOO_EARLY, verify_schedule

DAY = date(2026, 11, 22)
MIDNIGHT_S = 1_795_305_600
INTERVAL_S = 600
LOTTERY_KEY = "k" * 32
NODES = ["n2", "n3", "n5", "n7", "n11"]
FALSE, AWAY = "n7", "n11"
VERDICTS = {
    FALSE: (Verdict.FAIL, Reason.REPLAYED),
    AWAY: (Verdict.FAIL, Reason.NO_STREAM),
}
PASS = (Verdict.PASS, Reason.PASSED)
UP = Poll(Outcome.UP, Reason.OK, 1, 1)
DOWN = Poll(Outcome.DOWN, Reason.CONNECT_FAILED, 1, 0)


@dataclass
class World:
    """A network whose public record a test may tamper with."""

    store: MemoryStore
    measurements: Measurements
    overlap: bool = False
    """Whether each run begins before the one before it is on record."""
    parts: int = 1
    """Into how many the prober is divided."""
    _before: TrustBook = field(default_factory=TrustBook)

    async def lives(self, from_s: int, until_s: int) -> None:
        """Sweeps and runs with the real lottery.

        n7 serves a recording, n11 nothing, n5 is down at noon."""
        sealer = Sealer(self.measurements, LOTTERY_KEY, INTERVAL_S, 3)
        slots = tuple(
            Slot(name, "s3", "http://192.0.2.5/", "192.0.2.5", 1935, 1, 1.0) for name in NODES
        )
        await self.measurements.put_roster(Roster(WHOLE, 1, 1.0, slots))
        for start_s in range(from_s, until_s, INTERVAL_S):
            draw = start_s // INTERVAL_S
            at_noon = 43_200 <= start_s % 86_400 < 46_800
            polls = {at: DOWN if at == 2 and at_noon else UP for at in range(len(NODES))}
            sweep = Sweep(WHOLE, draw - 1, 1, polls)
            await self.measurements.create_sweep(sweep, start_s)
            await self._runs(draw, start_s, sweep, sealer)

    async def _runs(self, draw: int, start_s: int, sweep: Sweep, sealer: Sealer) -> None:
        for part in partitions_of(self.parts):
            await self._part_runs(part, draw, start_s, sweep, sealer)

    async def _part_runs(
        self, part: Partition, draw: int, start_s: int, sweep: Sweep, sealer: Sealer
    ) -> None:
        roster = await self.measurements.roster(WHOLE, 1)
        known = await self.measurements.trust_of(part)
        book, self._before = self._before if self.overlap else known, known
        lottery = await sealer.lottery(start_s + 1.0, day_of(draw, INTERVAL_S))
        found = candidates([sweep], {WHOLE: roster})
        slots = [slot for slot in found if part.holds(slot.node_id)]
        frauds = frauds_among(slots, book)
        checks = tuple(
            Check(
                due.slot.node_id,
                "s3",
                draw,
                due.due_s,
                *VERDICTS.get(due.slot.node_id, PASS),
                caused_by_s=due.caused_by_s,
                length=due.length,
                is_watched=due.is_watched,
                attempts=(_attempt(due),),
            )
            for due in due_in(draw, slots, book, lottery, INTERVAL_S)
        )
        run = Run(
            draw, start_s + 1.0, start_s + INTERVAL_S + 130.0, (sweep.id,), {}, checks, frauds,
            partition=part.number, partitions=part.count,
        )  # fmt: skip
        await self.measurements.record_run(run, start_s)

    async def wakes(self, at_s: int) -> dict[str, Any]:
        """The first call of the real prober after a rest: nobody is a candidate yet."""

        async def no_time(_: float) -> None:
            pass

        def now() -> float:
            return at_s + 1.0

        prober = Prober(
            self.measurements,
            ReferencePool(now=now),
            Checker(
                captor_of(now),
                HttpClient(Guard(allow_private=False)),
                ProofParameters(),
                now,
                no_time,
                Log("prober", "ERROR"),
                Capacity(1.0),
            ),
            Sealer(self.measurements, LOTTERY_KEY, INTERVAL_S, 3),
            Calendar(INTERVAL_S, INTERVAL_S),
            "rtmp://203.0.113.5:1935/live",
            Pictures(self.measurements, picture_of, now, Log("prober", "ERROR")),
            now,
            no_time,
            Log("prober", "ERROR"),
        )
        return await prober.run()

    def verdict(self, day: date = DAY) -> int:
        """What the public program says."""
        money = MemoryStore()
        app = own_api(self.store, money, settings(), lambda: 0.0)

        async def run() -> int:
            calendar = Calendar(INTERVAL_S, INTERVAL_S, grace_seconds=420)
            await Ledger(money).settings.publish(PublishedSettings.of(calendar), 1.0)
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                return await verify_schedule(PublicRecord(client), day)

        return asyncio.run(run())

    async def tamper(self, change: Callable[[Run], Run], among: Callable[[Run], bool]) -> None:
        """Rewrites the first recorded run of the day that fits."""
        first = MIDNIGHT_S // INTERVAL_S
        for run in await self.measurements.runs(range(first + 5, first + 144)):
            if among(run):
                fields = {**RUNS.encode(change(run)), "expire_at": None}
                await self.store.put(Ref("probe_results", run.id), fields)
                return
        raise AssertionError("nothing to tamper with")


def _attempt(due: Due) -> dict[str, Any]:
    """As the prober records it."""
    _, reason = VERDICTS.get(due.slot.node_id, PASS)
    return an_attempt(due.due_s, reason, seconds=due.length.at_least_s + 5.017)


@cache
def _lived() -> World:
    """Once for all tests."""
    store = MemoryStore()
    made = World(store, Measurements(store))
    asyncio.run(made.lives(MIDNIGHT_S - 7_200, MIDNIGHT_S + 86_400 + 3_600))
    return made


@pytest.fixture
def world() -> World:
    """A network that was sealed the day before and lived through the day, in a store of its own."""
    store = _lived().store.copy()
    return replace(_lived(), store=store, measurements=Measurements(store))


def test_an_honest_day_agrees(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Every due check is there, and no other."""
    assert world.verdict() == AGREES
    out = capsys.readouterr().out
    assert "144 runs" in out
    assert " 0 findings" in out


def test_a_day_on_which_the_network_rested_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    """From six to ten nobody was swept: the draws just after the last sweep are on record as not
    run, and of the others there is nothing that could be missing."""
    store = MemoryStore()
    world = World(store, Measurements(store))
    woken: list[dict[str, Any]] = []
    rests_s, wakes_s = MIDNIGHT_S + 6 * 3_600, MIDNIGHT_S + 10 * 3_600

    async def lives() -> None:
        await world.lives(MIDNIGHT_S - 7_200, rests_s)
        woken.append(await world.wakes(wakes_s))
        assert woken[0]["missed"] == SWEEP_AGE_TICKS_MAX - 1
        await world.lives(wakes_s + INTERVAL_S, MIDNIGHT_S + 86_400 + 3_600)

    asyncio.run(lives())
    assert world.verdict() == AGREES
    resting = (wakes_s - rests_s) // INTERVAL_S
    assert f"{144 - resting + woken[0]['missed']} runs" in capsys.readouterr().out


def test_a_day_that_is_not_over_cannot_be_told(world: World) -> None:
    """Its secret would tell nodes when to behave."""
    assert world.verdict(date(2026, 11, 23)) == TOO_EARLY


def _checks_of(world: World, node_id: str) -> list[Check]:
    first = MIDNIGHT_S // INTERVAL_S
    runs = asyncio.run(world.measurements.runs(range(first - 12, first + 144)))
    return [check for run in runs for check in run.checks if check.node_id == node_id]


def test_a_fraud_is_retested_and_then_left_alone(world: World) -> None:
    """The record shows why: flagged by its second recording, three retests, confirmed."""
    checks = _checks_of(world, FALSE)
    assert [c.event for c in checks if c.event] == [TrustChange.FLAGGED, TrustChange.CONFIRMED]
    assert len(checks) == 5


def test_an_absent_node_is_retested_and_then_drawn_like_any_other(world: World) -> None:
    """Absence proves nothing for ever: the lottery goes on, and no retests are made for it."""
    checks = _checks_of(world, AWAY)
    assert [c.event for c in checks if c.event] == [TrustChange.FLAGGED, TrustChange.SUSPENDED]
    suspended = next(at for at, c in enumerate(checks) if c.event is TrustChange.SUSPENDED)
    assert len(checks) > suspended + 20
    assert not any(c.caused_by_s for c in checks[suspended + 1 :])


def test_runs_that_overlap_agree() -> None:
    """One begins before the one before it is on record: it retests a node that was just cleared."""
    store = MemoryStore()
    world = World(store, Measurements(store), overlap=True)
    asyncio.run(world.lives(MIDNIGHT_S - INTERVAL_S, MIDNIGHT_S + 86_400 + 3_600))
    checks = _checks_of(world, AWAY)
    suspended = next(at for at, c in enumerate(checks) if c.event is TrustChange.SUSPENDED)
    assert checks[suspended].draw >= MIDNIGHT_S // INTERVAL_S
    assert world.verdict() == AGREES


@cache
def _divided() -> World:
    """At eight the prober is divided into three parts, at four into two."""
    store = MemoryStore()
    world = World(store, Measurements(store))

    async def lives() -> None:
        starts_s = [MIDNIGHT_S + hour * 3_600 for hour in (-2, 8, 16, 25)]
        for parts, from_s, until_s in zip((1, 3, 2), starts_s, starts_s[1:], strict=False):
            world.parts = parts
            await world.lives(from_s, until_s)

    asyncio.run(lives())
    return world


def test_a_day_on_which_the_prober_is_divided_anew_agrees() -> None:
    """Twice. What was known of everybody goes on: a fraud is spared, an absent node suspended."""
    world = _divided()
    assert world.verdict() == AGREES
    assert [c.event for c in _checks_of(world, FALSE) if c.event] == [
        TrustChange.FLAGGED,
        TrustChange.CONFIRMED,
    ]
    assert len(_checks_of(world, AWAY)) > 20


def test_a_part_that_left_a_draw_out_shows(capsys: pytest.CaptureFixture[str]) -> None:
    """Others of the same draw do not stand for it."""
    store = _divided().store.copy()
    world = replace(_divided(), store=store, measurements=Measurements(store))
    draw = (MIDNIGHT_S + 12 * 3_600) // INTERVAL_S
    ref = Ref("probe_results", f"checks-{draw:012d}-1of3")
    (fields,) = asyncio.run(store.get(ref))
    assert fields is not None
    asyncio.run(store.put(ref, {**fields, "check_draw": 0}))  # as good as gone
    assert world.verdict() == DISAGREES
    assert f"draw {draw}: part 1 of 3 is not on record" in capsys.readouterr().out


def _without_first(run: Run) -> Run:
    return replace(run, checks=run.checks[1:])


def _with_another(run: Run) -> Run:
    missing = next(n for n in NODES if n not in {c.node_id for c in run.checks} | {FALSE})
    at_s = run.draw * INTERVAL_S + 11.0
    attempts = (an_attempt(at_s, Reason.NO_STREAM),)
    extra = Check(missing, "s3", run.draw, at_s, Verdict.FAIL, Reason.NO_STREAM, attempts=attempts)
    return replace(run, checks=(*run.checks, extra))


def _at_another_second(run: Run) -> Run:
    first = replace(run.checks[0], due_s=run.checks[0].due_s + 1)
    return replace(run, checks=(first, *run.checks[1:]))


def _cut_short(run: Run) -> Run:
    attempt = an_attempt(run.checks[0].due_s)
    first = replace(run.checks[0], length=Length.VERY_LONG, attempts=(attempt,))
    return replace(run, checks=(first, *run.checks[1:]))


def _as_a_retest(run: Run) -> Run:
    extra = replace(_with_another(run).checks[-1], caused_by_s=17.0)
    return replace(run, checks=(*run.checks, extra))


def _by_an_older_sweep(run: Run) -> Run:
    older = f"sweep-0of1-{run.draw - 3:012d}"
    return replace(run, sweep_ids=(older,))


def _excluding(run: Run) -> Run:
    spared = {run.checks[0].node_id: run.checks[0].due_s}
    return replace(_without_first(run), excluded={**run.excluded, **spared})


def _with_event(run: Run, event: TrustChange) -> Run:
    at = next(at for at, check in enumerate(run.checks) if check.node_id not in VERDICTS)
    checks = list(run.checks)
    checks[at] = replace(checks[at], event=event)
    return replace(run, checks=tuple(checks))


def _flagging(run: Run) -> Run:
    return _with_event(run, TrustChange.FLAGGED)


def _confirming(run: Run) -> Run:
    return _with_event(run, TrustChange.CONFIRMED)


def _called_a_retest(run: Run) -> Run:
    first = replace(run.checks[0], caused_by_s=run.checks[0].due_s - 1_200)
    return replace(run, checks=(first, *run.checks[1:]))


def _as_a_control(run: Run) -> Run:
    return replace(run, controls={run.checks[0].node_id: Control.GOOD})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_as_a_control, "was not sealed as one"),
        (_flagging, "is flagged and was not retested"),
        (_flagging, "is flagged by a check, and its checks make it unchanged"),
        (_confirming, "is a confirmed fraud, and was checked"),
        (_without_first, "was due and was not checked"),
        (_with_another, "was not drawn"),
        (_at_another_second, "another second"),
        (_cut_short, "over before its time"),
        (_called_a_retest, "was drawn, and is called a retest"),
        (_as_a_retest, "neither flagged it nor just failed"),
        (_by_an_older_sweep, "although"),
        (_excluding, "was left out"),
    ],
)
def test_every_way_of_cheating_shows(
    world: World, change: Callable[[Run], Run], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A check dropped, added, shifted, aimed, or a node spared."""

    def fits(run: Run) -> bool:
        ours = [check.node_id for check in run.checks if check.node_id != FALSE]
        return 0 < len(ours) < 3 and ours != [AWAY]

    asyncio.run(world.tamper(change, fits))
    assert world.verdict() == DISAGREES
    assert says in capsys.readouterr().out


def _put_off(run: Run) -> tuple[Run, Run]:
    """The run in two parts: its last check was not over soon after the draw."""
    *first, last = run.checks
    early = replace(run, checks=tuple(first), put_off=(last.node_id,))
    return early, replace(run, checks=(last,), is_late=True)


@pytest.mark.parametrize(
    ("says_so", "is_there", "verdict"),
    [(True, True, AGREES), (False, True, DISAGREES), (True, False, DISAGREES)],
    ids=["as it should be", "not announced", "never recorded"],
)
def test_a_run_in_two_parts_is_one(
    world: World, says_so: bool, is_there: bool, verdict: int
) -> None:
    """What the first part puts off has to be in the second, and nothing else."""
    late: list[Run] = []

    def change(run: Run) -> Run:
        first, second = _put_off(run)
        late.append(second)
        return first if says_so else replace(first, put_off=())

    asyncio.run(world.tamper(change, lambda run: len(run.checks) > 1))
    if is_there:
        fields = {**RUNS.encode(late[0]), "expire_at": None}
        asyncio.run(world.store.put(Ref("probe_results", late[0].id), fields))
    assert world.verdict() == verdict


def test_a_run_that_is_not_on_record_shows(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The prober records what it missed as unknown; an absent run is a finding."""
    first = MIDNIGHT_S // INTERVAL_S
    del world.store._documents[Ref("probe_results", f"checks-{first + 7:012d}")]
    assert world.verdict() == DISAGREES
    assert "no record" in capsys.readouterr().out
