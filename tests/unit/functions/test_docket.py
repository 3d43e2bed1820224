"""Verdicts are stored before their run is recorded; nobody's is lost wherever the process dies."""

import asyncio
import itertools
from dataclasses import replace

import pytest

from coordinator.adapters.log import Log
from coordinator.adapters.store.protocol import StoreError
from coordinator.checking.checks import Check, Control, Run, Verdict
from coordinator.checking.delistings import is_listed
from coordinator.checking.lengths import LAST_RECORD_S_MAX
from coordinator.checking.suspicion import Trust, TrustState
from coordinator.checking.trust_book import TrustBook
from coordinator.reasons import Reason
from prober.docket import EVERY_S, Docket
from prober.draws import Due
from prober.list_keeper import ListKeeper
from prober.prober import Prober
from tests.builders import a_slot
from tests.unit.functions.night import FIRST, NODES, Night, Patient, a_night

DRAW = FIRST + 1
LATER = range(DRAW + 1, DRAW + int(LAST_RECORD_S_MAX // 60) + 5)
FAILS = {"n5": Reason.NO_STREAM}


def _slow(night: Night, outcomes: dict[str, Reason]) -> tuple[Prober, Patient]:
    prober = night.prober()
    prober.checker = patient = Patient(prober.checker, "n3", outcomes)
    return prober, patient


def _quick(night: Night) -> Prober:
    prober, patient = _slow(night, {})
    patient.go_on.set()
    return prober


async def test_a_long_check_is_recorded_in_a_second_part_of_its_run() -> None:
    """The first part is there when its draw is over, and says who is missing in it."""
    night, _ = await a_night(LATER.stop)
    prober, patient = _slow(night, {})
    await night.runs(prober, DRAW)
    (first,) = await night.measurements.runs(range(DRAW, DRAW + 1))
    assert first.put_off == ("n3",)
    claim = await night.measurements.claim_of(DRAW)
    assert claim is not None
    assert {check.node_id: check.reason for check in claim.made}["n3"] is Reason.UNKNOWN_NOT_RUN
    patient.go_on.set()
    await prober.finished()
    await prober.references.close()
    (late,) = [run for run in await night.measurements.runs(range(DRAW, DRAW + 1)) if run.is_late]
    assert [check.node_id for check in late.checks] == ["n3"]
    assert {check.node_id for check in first.checks} == set(NODES) - {"n3"}


@pytest.mark.parametrize("writes", [True, False])
async def test_no_verdict_is_lost_wherever_the_process_dies(writes: bool) -> None:
    """Every check of the draw is on record once, the failure as one as soon as it was stored."""
    broken, kept = 0, 0
    for calls in itertools.count():
        night, store = await a_night(LATER.stop)
        before = _quick(night)
        await night.runs(before, FIRST)
        await before.references.close()
        prober, patient = _slow(night, FAILS)
        store.calls_left, store.dies_after = calls, writes
        try:
            await night.runs(prober, DRAW)
        except StoreError:
            broken += 1
        patient.go_on.set()
        await prober.finished()
        is_dead = store.is_dead
        store.calls_left = None
        claim = await night.measurements.claim_of(DRAW)
        stored = {check.node_id: check.reason for check in claim.made} if claim else {}
        fresh = _quick(night)
        for draw in LATER:
            await night.runs(fresh, draw)
        for each in (prober, fresh):
            await each.references.close()
        runs = await night.measurements.runs(range(DRAW, DRAW + 1))
        checks = {check.node_id: check.reason for run in runs for check in run.checks}
        assert sum(len(run.checks) for run in runs) == len(checks)
        if claim:  # before it the draw has no run, and is none of this process
            assert checks.keys() == set(NODES), calls
        assert stored.get("n5") in {None, checks["n5"]}
        kept += checks["n5"] is Reason.NO_STREAM
        if not is_dead:
            break
    assert broken > 3
    assert kept >= 3


def _docket(night: Night) -> Docket:
    proven = TrustState(Trust.PROVEN, passed=3, last_check_s=1.0, last_pass_s=1.0)
    book = TrustBook(dict.fromkeys(NODES, proven))
    log = Log("prober", "ERROR")
    measurements = night.measurements
    run = Run(DRAW, night.now_s, night.now_s, ("sweep",), {}, ())
    lists = ListKeeper(measurements, lambda: night.now_s, log, book, {"n2": Control.GOOD})
    return Docket(measurements, lambda: night.now_s, log, run, lists)


def _made(node_id: str, verdict: Verdict, ended_s: float) -> Check:
    reason = Reason.PASSED if verdict is Verdict.PASS else Reason.NO_STREAM
    attempts = ({"started_s": ended_s - 7, "seconds": 7.0},)
    return Check(node_id, "s3", DRAW, ended_s - 7, verdict, reason, attempts=attempts)


async def test_a_verdict_is_stored_within_thirty_seconds_of_its_attempt() -> None:
    """At the next look, and the check says when."""
    night = Night(now_s=DRAW * 60.0)
    docket = _docket(night)
    stored: list[Check] = []
    for second in range(60):
        night.now_s = DRAW * 60.0 + second
        if second % 7 == 0:
            docket.add(_made(f"c{second}", Verdict.PASS, night.now_s))
        if second % EVERY_S == EVERY_S - 1:
            await docket.look()
    stored = docket.dated(docket.waiting.values())
    assert len(stored) == 9
    for check in stored:
        last = check.attempts[-1]
        assert 0 <= last["stored_s"] - last["started_s"] - last["seconds"] <= 30
    claim = await night.measurements.claim_of(DRAW)
    assert claim is not None
    assert claim.made == tuple(docket.waiting.values())
    assert (claim.started_s, claim.sweep_ids) == (DRAW * 60.0, ("sweep",))


async def test_what_could_not_be_stored_is_stored_at_the_next_look() -> None:
    """A store that fails costs no check."""
    night, store = await a_night(LATER.stop)
    docket = _docket(night)
    docket.add(_made("n7", Verdict.PASS, night.now_s))
    store.calls_left = 0
    await docket.look()
    store.calls_left = None
    docket.add(_made("n2", Verdict.PASS, night.now_s))
    await docket.look()
    claim = await night.measurements.claim_of(DRAW)
    assert claim is not None
    assert {check.node_id for check in claim.made} == {"n7", "n2"}


async def test_nothing_new_costs_no_write() -> None:
    """What is stored is not stored again, and what is on record is not stored at all."""
    night, store = await a_night(LATER.stop)
    docket = _docket(night)
    docket.add(_made("n7", Verdict.PASS, night.now_s))
    await docket.look()
    calls = store.calls
    await docket.look()
    docket.recorded(replace(docket.run, checks=tuple(docket.waiting.values())), TrustBook())
    await docket.look()
    assert (store.calls, docket.waiting) == (calls, {})


async def test_a_check_that_ends_while_it_is_put_off_is_not_forgotten() -> None:
    """Between the record's beginning and its end."""
    docket = _docket(Night())
    made = _made("n7", Verdict.FAIL, 7.0)
    docket.add(made)
    await docket.put_off([Due(a_slot("n7"), 7.0), Due(a_slot("n5"), 7.0)])
    assert docket.waiting["n7"] is made
    assert docket.waiting["n5"].reason is Reason.UNKNOWN_NOT_RUN


async def test_lists_hear_of_a_retest_that_fails_after_the_first_record() -> None:
    """It comes up to a minute later, and very long checks of the run are still under way."""
    night = Night(now_s=DRAW * 60.0)
    docket = _docket(night)
    docket.recorded(
        replace(docket.run, checks=(_made("n3", Verdict.PASS, 7.0),)), docket.lists.book
    )
    night.now_s += 100
    docket.add(_made("n7", Verdict.FAIL, night.now_s))
    await docket.look()
    (news,) = [each for each in await night.measurements.listing_news() if each]
    assert {name: is_listed(state) for name, state in news.states.items()} == {"n7": False}


async def test_a_control_that_failed_in_the_first_part_keeps_everybody_on_lists() -> None:
    """As it does within one part."""
    night = Night(now_s=DRAW * 60.0)
    docket = _docket(night)
    failed = replace(docket.run, checks=(_made("n2", Verdict.FAIL, 7.0),))
    docket.recorded(replace(failed, controls={"n2": Control.GOOD}), docket.lists.book)
    docket.add(_made("n7", Verdict.FAIL, night.now_s))
    await docket.look()
    assert [each for each in await night.measurements.listing_news() if each and each.states] == []


async def test_it_looks_again_and_again_until_it_is_cancelled() -> None:
    """By itself."""
    watching = asyncio.create_task(_docket(Night()).watch())
    await asyncio.sleep(0)
    assert not watching.done()
    watching.cancel()
    await asyncio.wait([watching])
    assert watching.cancelled()
