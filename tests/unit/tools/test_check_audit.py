"""A check that contradicts its own connections is named, whatever was drawn."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.checking.checks import Check, Control, IngestState, Run, TrustChange, Verdict
from coordinator.checking.lengths import Length
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from coordinator.sweeping.polls import Outcome
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import SweepBits
from tests.builders import STREAM_ID, a_check, a_slot, an_attempt
from tools.verify.check_audit import Rosters, run_findings
from tools.verify.sweep_audit import memory_findings, roster_findings, sweep_findings

CALENDAR = Calendar(grace_seconds=420)
DRAW = 60
AT_S = DRAW * 60 + 7.25
ROSTERS: Rosters = {(WHOLE, 50): Roster(WHOLE, 50, 0.0, (a_slot(), a_slot("n3", host="n3.test")))}
PASSED = a_check(AT_S, attempts=(an_attempt(AT_S),))
FAILED = a_check(
    AT_S,
    Verdict.FAIL,
    attempts=(an_attempt(AT_S, Reason.NO_STREAM), an_attempt(AT_S + 7, Reason.NO_STREAM)),
)
CAPACITY = (Verdict.UNKNOWN, Reason.UNKNOWN_CAPACITY)


def _run(*checks: Check, ended_s: float = AT_S + 70, **more: Any) -> Run:
    return Run(DRAW, AT_S, ended_s, (), {STREAM_ID: IngestState.LIVE}, checks, **more)


def _said(run: Run) -> str:
    return "\n".join(run_findings([run], ROSTERS, CALENDAR))


def _changed(check: Check, **changed: Any) -> Run:
    return _run(replace(check, **changed))


def test_honest_checks_say_nothing() -> None:
    """Passed, failed twice, degraded, without a place, late, and a name that may be anywhere."""
    first = an_attempt(AT_S, Reason.NO_STREAM)
    named = an_attempt(AT_S, address="198.51.100.77")
    honest = [
        _run(PASSED),
        _run(FAILED),
        _changed(
            PASSED,
            verdict=Verdict.DEGRADED,
            reason=Reason.DEGRADED,
            attempts=(first, *PASSED.attempts),
        ),
        _run(a_check(AT_S, *CAPACITY)),
        _run(a_check(AT_S, Verdict.UNKNOWN, Reason.UNKNOWN_LATE)),
        _changed(PASSED, node_id="n3", attempts=(named,)),
        _run(PASSED, ended_s=2 * 3600 + 408.0),
    ]
    assert [_said(run) for run in honest] == [""] * len(honest)


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (_changed(FAILED, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_CAPACITY), "was made"),
        (_changed(FAILED, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_LATE), "its connections"),
        (_changed(FAILED, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_CONTROL), "says unknown"),
        (_changed(FAILED, verdict=Verdict.PASS, reason=Reason.PASSED), "its connections no_stream"),
        (_changed(PASSED, verdict=Verdict.FAIL, reason=Reason.NO_STREAM), "connections passed"),
        (_changed(PASSED, attempts=()), "no connection to show for it"),
        (_changed(PASSED, verdict=Verdict.UNKNOWN), "is unknown for passed"),
        (_run(a_check(AT_S, Verdict.UNKNOWN, Reason.UNKNOWN_BUSY)), "no connection to show"),
        (_run(a_check(AT_S, Verdict.UNKNOWN, Reason.UNKNOWN_READERS)), "no connection to show"),
        (_changed(PASSED, attempts=(an_attempt(AT_S + 27.5),)), "connection 28 s after its drawn"),
        (_changed(PASSED, attempts=(an_attempt(AT_S - 3),)), "connection -3 s after its drawn"),
        (_changed(PASSED, attempts=(an_attempt(AT_S, matched=9),)), "passed with 9 packets"),
        (_changed(PASSED, attempts=(an_attempt(AT_S, byte_ratio=0.97),)), "a share of 0.97"),
        (_changed(PASSED, attempts=(an_attempt(AT_S, strangers=1),)), "1 packets that are not"),
        (_changed(PASSED, attempts=(an_attempt(AT_S, address="192.0.2.6"),)), "announced none"),
        (_changed(PASSED, event=TrustChange.CONFIRMED), "was confirmed by a check that passed"),
        (_changed(FAILED, event=TrustChange.CLEARED), "cleared by a check that did not pass"),
        (_run(a_check(AT_S, *CAPACITY, event=TrustChange.FLAGGED)), "a check that says nothing"),
        (_run(PASSED, ended_s=AT_S + 3), "it ended before its last connection"),
        (_run(PASSED, ended_s=2 * 3600 + 409.0), "after its epoch's evidence was closed"),
    ],
)
def test_what_cannot_be_is_named(run: Run, says: str) -> None:
    assert says in _said(run)


def test_whether_a_check_was_cut_follows_from_its_connections() -> None:
    """Pay of five hours hangs on it, so neither word may stand for the other."""
    begun = an_attempt(AT_S, Reason.STALLED, seconds=120.0, lasted_s=58.9)
    again = an_attempt(AT_S + 90, seconds=120.0)
    cut = replace(
        PASSED,
        verdict=Verdict.DEGRADED,
        reason=Reason.CUT,
        attempts=(begun, again),
        length=Length.VERY_LONG,
    )
    late_s = AT_S + 300
    assert _said(_run(cut, ended_s=late_s)) == ""
    hidden = replace(cut, reason=Reason.DEGRADED)
    assert "says degraded, and its connections cut" in _said(_run(hidden, ended_s=late_s))
    for lasted_s in (None, 1.9):
        never = replace(cut, attempts=(begun | {"lasted_s": lasted_s}, again))
        assert "says cut, and its connections degraded" in _said(_run(never, ended_s=late_s))


def test_a_label_of_ours_needs_what_it_speaks_of() -> None:
    """A control that failed in the run; a record that came after the cut-off."""
    excused = replace(FAILED, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_CONTROL)
    control = replace(FAILED, node_id="n3")
    assert _said(_run(excused, control, controls={"n3": Control.GOOD})) == ""
    assert "n2 says unknown:control" in _said(_run(excused, control, controls={}))
    late = replace(FAILED, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_LATE)
    calendar = Calendar(grace_seconds=0)
    run = replace(_run(late), ended_s=2 * 3600.0 + 1)
    said = list(run_findings([run], ROSTERS, calendar))
    assert [each for each in said if "n2 says" in each] == []


def _in_doubt(draw: int, *, second: bool = False, counts: bool = False) -> Run:
    """n3, known to be good, fails; n7, known to be good, passes if there is a second one."""
    at_s = draw * 60 + 7.25
    attempts = (an_attempt(at_s, Reason.NO_STREAM), an_attempt(at_s + 7, Reason.NO_STREAM))
    failed = replace(FAILED, draw=draw, due_s=at_s, attempts=attempts)
    excused = replace(failed, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_CONTROL)
    checks = [failed if counts else excused, replace(failed, node_id="n3")]
    controls = {"n3": Control.GOOD}
    if second:
        passed = replace(PASSED, draw=draw, due_s=at_s, attempts=(an_attempt(at_s),))
        checks.append(replace(passed, node_id="n7"))
        controls["n7"] = Control.GOOD
    run = _run(*checks, ended_s=at_s + 70, controls=controls)
    return replace(run, draw=draw, started_s=at_s)


def test_a_control_that_failed_excuses_nothing_while_a_second_one_passes() -> None:
    (said,) = run_findings([_in_doubt(DRAW, second=True)], ROSTERS, CALENDAR)
    assert said.startswith(f"draw {DRAW}: n2 says unknown:control")


def test_controls_excuse_only_so_many_runs_in_a_row() -> None:
    """Ten: the eleventh failure is said to be none, and counts."""
    runs = [_in_doubt(DRAW + at) for at in range(11)]
    (said,) = run_findings(runs, ROSTERS, CALENDAR)
    assert said.startswith(f"draw {DRAW + 10}: n2 says unknown:control")


def test_what_controls_put_in_doubt_does_not_count() -> None:
    """How many in a row there were before is known since one of them passed."""
    at_s = (DRAW - 1) * 60 + 7.25
    calm = replace(PASSED, node_id="n3", draw=DRAW - 1, due_s=at_s, attempts=(an_attempt(at_s),))
    before = replace(_run(calm, ended_s=at_s + 70, controls={"n3": Control.GOOD}), draw=DRAW - 1)
    counted = _in_doubt(DRAW, counts=True)
    (said,) = run_findings([before, counted], ROSTERS, CALENDAR)
    assert said == f"draw {DRAW}: n2 failed, in a run that its controls put in doubt"
    assert list(run_findings([counted], ROSTERS, CALENDAR)) == []


def test_very_long_checks_may_meet_packets_between_their_spans() -> None:
    attempt = an_attempt(AT_S, strangers=2, seconds=121.0)
    long = _changed(PASSED, length=Length.VERY_LONG, attempts=(attempt,))
    assert _said(replace(long, ended_s=AT_S + 130)) == ""


def _sweep(tick: int = 60, recorded_s: float | None = None, **bits: int) -> SweepBits:
    whole = {"probed": 3, **{outcome.value: 0 for outcome in Outcome}, "up": 3} | bits
    at_s = tick * 60 + 7.5 if recorded_s is None else recorded_s
    return SweepBits(WHOLE, tick, 50, **whole, recorded_s=at_s)


def test_honest_sweeps_say_nothing() -> None:
    sweeps = [_sweep(), _sweep(61, probed=1, up=0, unknown=1), _sweep(62, recorded_s=62 * 60 + 119)]
    assert list(sweep_findings(sweeps, ROSTERS, CALENDAR)) == []


@pytest.mark.parametrize(
    ("sweep", "says"),
    [
        (_sweep(recorded_s=60 * 60 - 1.0), "is dated -1 s after it began"),
        (_sweep(recorded_s=60 * 60 + 121.0), "is dated 121 s after it began"),
        (_sweep(down=1), "no outcome, or with two"),
        (_sweep(up=1), "no outcome, or with two"),
        (_sweep(not_up_before=1), "were measured how they were before"),
        (_sweep(waiting=1), "says that nodes waited which were not down"),
        (_sweep(probed=7, up=7), "polled slots that are empty: not on its roster"),
        (_sweep(6, recorded_s=363.0), "polled n2, n3: not on its roster"),
    ],
)
def test_what_no_collector_writes_is_named(sweep: SweepBits, says: str) -> None:
    (said,) = sweep_findings([sweep], ROSTERS, CALENDAR)
    assert says in said


def test_what_a_node_was_is_remembered_by_node_and_not_by_slot() -> None:
    """A compacted roster has other slots; another division remembers nothing."""
    kept = Roster(WHOLE, 61, 0.0, (a_slot("n3", host="n3.test"),))
    rosters = {**ROSTERS, (WHOLE, 61): kept}
    before = _sweep(up=1, down=2)  # n3 is down
    unmeasured = {"probed": 1, "up": 0, "unknown": 1}
    after = replace(_sweep(61, **unmeasured, not_up_before=1), roster_version=61)
    assert list(memory_findings([after, before], rosters)) == []
    forgot = replace(after, not_up_before=0)
    assert list(memory_findings([before, forgot], rosters)) == [
        "sweep 61 of 0of1 does not say how n3 stood in 60"
    ]
    assert list(memory_findings([before, replace(forgot, since_tick=61)], rosters)) == []


def test_places_keep_their_dates_from_roster_to_roster() -> None:
    """Who had left is not taken over."""
    gone = a_slot("n5", left_tick=60)
    before = Roster(WHOLE, 50, 0.0, (a_slot(), gone), until_tick=90)
    after = Roster(WHOLE, 90, 0.0, (a_slot(),))
    both = {(WHOLE, 50): before, (WHOLE, 90): after}
    assert list(roster_findings(both)) == []
    moved = replace(after, slots=(a_slot(joined_tick=80),))
    (said,) = roster_findings({**both, (WHOLE, 90): moved})
    assert said == "n2 joined 0of1-50 in 7, and 0of1-90 not"


def test_a_node_is_first_seen_once_and_before_it_joins() -> None:
    late = Roster(WHOLE, 50, 0.0, (replace(a_slot(), first_tick=8),))
    (said,) = roster_findings({(WHOLE, 50): late})
    assert said == "n2 stood on 0of1-50 before it was first seen"
    twice = [replace(a_slot(joined_tick=9), first_tick=at) for at in (3, 5)]
    (said,) = roster_findings({(WHOLE, 50): Roster(WHOLE, 50, 0.0, tuple(twice))})
    assert said == "n2 was first seen twice: 3, 5"
