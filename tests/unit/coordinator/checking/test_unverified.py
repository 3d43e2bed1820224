"""A stream on which nobody can pass a check is said to be one."""

from dataclasses import replace

import pytest

from coordinator.checking.checks import Check, IngestState, Run, Verdict
from coordinator.checking.last_run import (
    UNVERIFIED_FORGOTTEN_SECONDS,
    UNVERIFIED_KEPT_SECONDS,
    UNVERIFIED_SECONDS_MAX,
    LastRun,
    runs_together,
)
from coordinator.reasons import Reason
from tests.builders import a_check

UNDECIDED = replace(a_check(427.0, Verdict.UNKNOWN), reason=Reason.UNKNOWN_REFERENCE)
DRAWS_MAX = UNVERIFIED_SECONDS_MAX // 60


def _after(
    last: LastRun, *checks: Check, state: IngestState = IngestState.LIVE, draws: int = 1
) -> LastRun:
    draw = last.draw + draws
    due = [replace(check, draw=draw, due_s=60.0 * draw + 7) for check in checks]
    return last.after(Run(draw, 60.0 * draw, 60.0 * draw + 50, (), {"s3": state}, tuple(due)))


def _unverified() -> LastRun:
    return _after(_after(LastRun(), UNDECIDED), UNDECIDED, draws=DRAWS_MAX)


def test_it_is_said_once_checks_ten_minutes_apart_were_undecided() -> None:
    """One alone may be our own fault; failures are no sign of the contrary."""
    last = _after(LastRun(), UNDECIDED)
    assert last.unverified_since("s3", 600.0) is None
    for _ in range(DRAWS_MAX - 1):
        last = _after(last, UNDECIDED, a_check(427.0, Verdict.FAIL))
        assert last.unverified_since("s3", 600.0) is None
    last = _after(last, UNDECIDED)
    assert last.unverified_since("s3", 620.0) == 7
    assert last.unverified_since("s5", 620.0) is None
    assert last.all_unverified(620.0) == {"s3": 7}


def test_a_clean_pass_ends_it_and_so_does_who_stops_publishing() -> None:
    """And our own faults are none of it, nor who passes at the second connection."""
    last = _unverified()
    assert _after(last, UNDECIDED, a_check(427.0)).unverified == {}
    assert _after(last, state=IngestState.DOWN).unverified == {}
    assert _after(last, a_check(427.0, Verdict.DEGRADED)).unverified == {"s3": 7}
    ours = replace(UNDECIDED, reason=Reason.UNKNOWN_CAPACITY)
    assert _after(LastRun(), ours).unverified == {}


@pytest.mark.parametrize("reason", [Reason.UNKNOWN_REFERENCE, Reason.UNKNOWN_READERS])
def test_what_we_cannot_read_at_the_ingest_is_not_verified_either(reason: Reason) -> None:
    """All that fails is then `unknown:readers`, whatever the nodes do."""
    check = replace(UNDECIDED, reason=reason)
    last = _after(_after(LastRun(), check), check, draws=DRAWS_MAX)
    assert last.unverified_since("s3", 700.0) == 7


def test_it_is_over_an_hour_after_the_last_check_or_once_something_else_is_published() -> None:
    """Nodes that choose have left it: nobody is there to be checked, and so to find it mended."""
    last, at_s = _unverified(), 607
    assert last.unverified_since("s3", at_s + UNVERIFIED_KEPT_SECONDS - 1.0) == 7
    assert last.unverified_since("s3", at_s + UNVERIFIED_KEPT_SECONDS) is None
    assert last.unverified_since("s3", at_s + 1.0, published_s=at_s + 0.5) is None
    assert last.unverified_since("s3", at_s + 1.0, published_s=at_s - 0.5) == 7
    assert _after(last, draws=UNVERIFIED_FORGOTTEN_SECONDS // 60 + 1).unverified == {}


@pytest.mark.parametrize(
    ("lasted_min", "kept_min"), [(10, 60), (30, 60), (31, 62), (90, 180), (719, 1438), (900, 1440)]
)
def test_the_longer_it_lasts_the_later_somebody_tries_again(lasted_min: int, kept_min: int) -> None:
    """Twice as long as it had lasted: an hour at least, a day at the most."""
    last = _after(_after(LastRun(), UNDECIDED), UNDECIDED, draws=lasted_min)
    over_s = (lasted_min + kept_min) * 60 + 7
    assert last.unverified_since("s3", over_s - 0.5) == 7
    assert last.unverified_since("s3", over_s) is None


def test_who_tries_again_in_vain_is_told_with_the_first_check() -> None:
    """Since when it is so does not begin anew, whoever was away."""
    last = _after(_unverified(), UNDECIDED, draws=70)
    assert last.unverified_since("s3", 81 * 60.0) == 7
    assert _after(_unverified(), a_check(7.0), draws=70).unverified_since("s3", 81 * 60.0) is None


def test_what_is_on_record_late_counts_as_of_when_it_was_due() -> None:
    """A very long pass of before it ends nothing, and such an undecided check begins nothing."""
    late = replace(a_check(-60.0), due_s=6.0)  # the first undecided one was due at 7
    assert _after_late(_unverified(), late).unverified == {"s3": 7}
    assert _after_late(_unverified(), replace(late, due_s=8.0)).unverified == {}
    passed = _after(LastRun(), a_check(7.0))
    assert _after_late(passed, replace(UNDECIDED, due_s=6.0)).unverified == {}
    assert _after_late(passed, replace(UNDECIDED, due_s=8.0)).unverified == {"s3": 8}
    assert _after_late(_unverified(), replace(UNDECIDED, due_s=66.0)).undecided == {"s3": 607}
    assert _after_late(_unverified(), replace(UNDECIDED, due_s=6.0)).unverified == {"s3": 6}


def _after_late(last: LastRun, check: Check) -> LastRun:
    """With a check that the next draw's record took along."""
    draw = last.draw + 1
    late = replace(check, draw=last.draw)
    after = last.after(Run(draw, 60.0 * draw, 60.0 * draw + 50, (), {}, (late,)))
    assert after.verdicts == {}  # it is not shown as one of the last draw's
    alone = Run(last.draw, 60.0 * last.draw, 60.0 * draw + 50, (), {}, (late,), is_late=True)
    assert replace(last.after(alone), draw=draw) == replace(
        last, draw=draw, unverified=after.unverified, undecided=after.undecided, passed=after.passed
    )
    assert last.after(replace(alone, is_late=False)) == last
    return after


def test_what_passed_in_another_part_ends_it_for_as_long_as_it_is_said() -> None:
    """A pass is remembered for a day, as an undecided check is."""
    one = _after(_after(LastRun(), UNDECIDED), UNDECIDED, draws=300)
    other = _after(LastRun(), a_check(7.0), draws=302)
    at = 301 + 90
    runs = [_after(one, draws=90), _after(other, draws=90)]
    assert _after(one, draws=90).unverified_since("s3", at * 60.0) == 7
    assert runs_together(runs).unverified_since("s3", at * 60.0) is None


def test_all_parts_of_the_prober_say_it_together() -> None:
    """Each knows its own nodes' checks: what passes in one can be verified."""
    one, other = _unverified(), _after(LastRun(), draws=DRAWS_MAX + 2)
    assert runs_together([one, other]).all_unverified(620.0) == {"s3": 7}
    passing = _after(LastRun(), a_check(7.0), draws=DRAWS_MAX + 1)
    assert runs_together([one, passing]).all_unverified(700.0) == {}
    for _ in range(2):
        one = _after(one, UNDECIDED, draws=DRAWS_MAX)
        passing = _after(passing, draws=DRAWS_MAX)
    # Since the last pass that any part saw.
    assert list(runs_together([one, passing]).all_unverified(1_900.0).values()) == [607]
