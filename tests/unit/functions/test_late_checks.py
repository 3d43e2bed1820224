"""Checks that outlast their draw: the next record takes them along, and none of them is lost."""

import asyncio
import itertools
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from coordinator.adapters.log import Log
from coordinator.adapters.store.protocol import StoreError
from coordinator.checking.checks import Check, Control, Run
from coordinator.checking.lengths import FIRST_RECORD_S_MAX, LAST_RECORD_S_MAX, LONGEST_S
from coordinator.checking.trust_book import TrustBook
from coordinator.reasons import Reason
from prober.docket import Docket
from prober.late_checks import LateChecks, with_late
from prober.list_keeper import ListKeeper
from prober.prober import Prober
from tests.builders import a_check
from tests.unit.functions.night import (
    CALENDAR,
    FIRST,
    NODES,
    Dawdling,
    Night,
    Patient,
    a_night,
)

DRAW = FIRST + 1
LATER = range(DRAW + 2, DRAW + int(LAST_RECORD_S_MAX // 60) + 5)
LAST = FIRST + 59
"""Of its epoch."""


@dataclass
class Hour:
    """Who sleeps in it wakes when it is told to; then time passes as they sleep."""

    night: Night
    comes: asyncio.Event = field(default_factory=asyncio.Event)

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            await self.comes.wait()
            self.night.now_s += seconds


async def _begun(until: int, fails: dict[str, Reason] | None = None) -> tuple[Night, Hour, Prober]:
    night, _ = await a_night(until + 2)
    hour = Hour(night)
    prober = replace(night.prober(), sleep=hour.sleep)
    prober.checker = Patient(prober.checker, "n3", fails)
    return night, hour, prober


async def _ends(night: Night, prober: Prober, draw: int) -> None:
    """The slow check is over, and its verdict stored beside the claim."""
    assert isinstance(prober.checker, Patient)
    prober.checker.go_on.set()
    for _ in range(1_000):
        await asyncio.sleep(0)
        claim = await night.measurements.claim_of(draw)
        made = {check.node_id: check for check in claim.made} if claim else {}
        if "n3" in made and made["n3"].reason is not Reason.UNKNOWN_NOT_RUN:
            return
    raise AssertionError("its verdict was never stored")


async def _closed(hour: Hour, prober: Prober) -> None:
    hour.comes.set()
    await prober.finished()
    await prober.references.close()


async def test_the_next_record_takes_along_what_is_over() -> None:
    """So there is one document a draw; and lists and trust know of it a minute later."""
    night, hour, prober = await _begun(DRAW + 1, {"n3": Reason.NO_STREAM})
    await night.runs(prober, DRAW)
    await _ends(night, prober, DRAW)
    await night.runs(prober, DRAW + 1)
    await _closed(hour, prober)
    runs = await night.measurements.runs(range(DRAW, DRAW + 2))
    assert [(run.draw, run.is_late) for run in runs] == [(DRAW, False), (DRAW + 1, False)]
    assert Counter(check.node_id for check in runs[1].checks) == Counter([*NODES, "n3"])
    (late,) = [check for check in runs[1].checks if check.draw == DRAW]
    assert late.reason is Reason.NO_STREAM
    assert "stored_s" in late.attempts[-1]
    state = (await night.measurements.trust()).of("n3")
    assert state.failed == 2


async def test_what_an_epoch_leaves_has_one_record_of_its_own() -> None:
    """Two draws' checks are over together; the next epoch's records are none of theirs."""
    night, hour, prober = await _begun(LAST + 1)
    for draw in (LAST - 1, LAST):
        await night.runs(prober, draw)
    await _ends(night, prober, LAST)
    await night.runs(prober, LAST + 1)
    await _closed(hour, prober)
    runs = await night.measurements.runs(range(LAST - 1, LAST + 2))
    assert [(run.draw, run.is_late) for run in runs] == [
        (LAST - 1, False),
        (LAST, False),
        (LAST, True),
        (LAST + 1, False),
    ]
    assert {(check.node_id, check.draw) for check in runs[2].checks} == {
        ("n3", LAST - 1),
        ("n3", LAST),
    }
    assert {check.draw for check in runs[3].checks} == {LAST + 1}


async def test_a_record_that_fails_leaves_it_to_the_next() -> None:
    """What was taken along waits until a record has it."""
    night, hour, prober = await _begun(DRAW + 2)
    await night.runs(prober, DRAW)
    await _ends(night, prober, DRAW)
    claimed = await night.measurements.claim_run(DRAW + 1, night.now_s)
    assert claimed
    (first,) = await night.measurements.runs(range(DRAW, DRAW + 1))
    other = replace(first, draw=DRAW + 1, checks=(), put_off=())
    assert await night.measurements.record_run(other, night.now_s)  # by another instance
    await night.runs(prober, DRAW + 2)
    await _closed(hour, prober)
    runs = await night.measurements.runs(range(DRAW, DRAW + 3))
    places = [(run.draw, check.draw) for run in runs for check in run.checks]
    assert places.count((DRAW + 2, DRAW)) == 1
    assert not any(run.is_late for run in runs)


@pytest.mark.parametrize("writes", [True, False])
async def test_wherever_the_process_dies_each_check_is_on_record_once(writes: bool) -> None:
    """In the record that takes it along, or in one of its own, that another process makes."""
    carried, died = 0, 0
    for calls in itertools.count():
        night, hour, prober = await _begun(LATER.stop, {"n3": Reason.NO_STREAM})
        store = night.store
        assert isinstance(store, Dawdling)
        await night.runs(prober, DRAW)
        await _ends(night, prober, DRAW)
        store.calls_left, store.dies_after = calls, writes
        with suppress(StoreError):
            await night.runs(prober, DRAW + 1)
        await _closed(hour, prober)
        is_dead, store.calls_left = store.is_dead, None
        fresh = night.prober()
        fresh.checker = Patient(fresh.checker, "")
        for draw in LATER:
            await night.runs(fresh, draw)
        await _closed(hour, fresh)
        runs = await night.measurements.runs(range(DRAW, LATER.stop))
        made = Counter((check.node_id, check.draw) for run in runs for check in run.checks)
        assert made[("n3", DRAW)] == 1, calls
        assert set(made.values()) == {1}, calls
        (late,) = [c for run in runs for c in run.checks if (c.node_id, c.draw) == ("n3", DRAW)]
        assert late.reason is Reason.NO_STREAM
        carried += any(run.draw == DRAW + 1 and late in run.checks for run in runs)
        if not is_dead:
            break
        died += 1
    assert died >= 2
    assert carried >= 1


@dataclass
class Desk:
    """Late checks whose time passes as they wait."""

    now_s: float = DRAW * 60 + 200.0
    late: LateChecks = field(init=False)
    taken_at_s: float = float("inf")

    def __post_init__(self) -> None:
        self.late = LateChecks(CALENDAR, lambda: self.now_s, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.now_s += seconds
        if self.now_s >= self.taken_at_s:
            draw = int(self.now_s // 60) - 1
            self.late.recorded(draw, self.late.for_record(draw))

    def puts_off(self, draw: int, controls: dict[str, Control] | None = None) -> None:
        """A check of the draw that is over now."""
        night = Night(now_s=self.now_s)
        first = Run(draw, draw * 60.0, draw * 60 + 75.0, (), {}, (), controls=controls or {})
        log = Log("prober", "ERROR")
        lists = ListKeeper(night.measurements, lambda: self.now_s, log, TrustBook(), {})
        docket = Docket(night.measurements, lambda: self.now_s, log, first, lists)
        self.late.begin(draw)
        self.late.add(first, docket, [_check(draw)])


def _check(draw: int) -> Check:
    return replace(a_check(draw * 60 + 7.0), node_id="n3", draw=draw)


async def test_what_a_record_takes_needs_none_of_its_own() -> None:
    desk = Desk(taken_at_s=DRAW * 60 + 255.0)
    desk.puts_off(DRAW)
    assert await desk.late.left(DRAW) == []


async def test_what_no_record_takes_has_its_own_after_two_minutes() -> None:
    """This instance is called no more: another one runs the draws."""
    desk = Desk()
    desk.puts_off(DRAW)
    (late,) = await desk.late.left(DRAW)
    assert late.check == _check(DRAW)
    assert 60 < desk.now_s - DRAW * 60 - 200 <= 60 + FIRST_RECORD_S_MAX + 5


async def test_what_is_over_last_of_all_waits_for_nobody() -> None:
    """It has to be on record before its epoch is settled."""
    desk = Desk(now_s=(DRAW + 1) * 60 + LONGEST_S)
    desk.puts_off(DRAW)
    assert len(await desk.late.left(DRAW)) == 1
    assert desk.now_s == (DRAW + 1) * 60 + LONGEST_S


@pytest.mark.parametrize(("is_open", "waits"), [(True, True), (False, False)])
async def test_an_epochs_last_checks_wait_for_each_other(is_open: bool, waits: bool) -> None:
    """Only as long as there is one that is not over."""
    began_s = LAST * 60 + 150.0
    desk = Desk(now_s=began_s)
    desk.puts_off(LAST - 1)
    desk.late.recorded(LAST, [])
    if is_open:
        desk.late.begin(LAST)
    assert len(await desk.late.left(LAST - 1)) == 1
    assert (desk.now_s > began_s) == waits


def test_a_record_names_the_controls_of_what_it_takes_along() -> None:
    desk = Desk()
    desk.puts_off(DRAW, {"n3": Control.GOOD, "n7": Control.BAD})
    run = Run(DRAW + 3, 0.0, 0.0, (), {}, (), controls={"n2": Control.GOOD})
    named = with_late(run, desk.late.for_record(DRAW + 3)).controls
    assert named == {"n2": Control.GOOD, "n3": Control.GOOD}
