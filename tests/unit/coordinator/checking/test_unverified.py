"""A stream on which nobody can pass a check is said to be one."""

from dataclasses import replace

from coordinator.checking.checks import Check, IngestState, Run, Verdict
from coordinator.checking.last_run import UNVERIFIED_SECONDS_MAX, LastRun, runs_together
from coordinator.reasons import Reason
from tests.builders import a_check

UNDECIDED = replace(a_check(427.0, Verdict.UNKNOWN), reason=Reason.UNKNOWN_REFERENCE)


def _after(last: LastRun, *checks: Check, state: IngestState = IngestState.LIVE) -> LastRun:
    draw = last.draw + 1
    due = [replace(check, due_s=60.0 * draw + 7) for check in checks]
    return last.after(Run(draw, 60.0 * draw, 60.0 * draw + 50, (), {"s3": state}, tuple(due)))


def test_it_is_said_after_ten_minutes() -> None:
    """From the first check on that could not be decided; failures are no sign of the contrary."""
    last = _after(LastRun(), UNDECIDED)
    for _ in range(5):
        last = _after(last, UNDECIDED, a_check(427.0, Verdict.FAIL))
        last = _after(last)
    assert last.unverified_since("s3", 7.0 + UNVERIFIED_SECONDS_MAX - 1) is None
    assert last.unverified_since("s3", 7.0 + UNVERIFIED_SECONDS_MAX) == 7
    assert last.unverified_since("s5", 10.0**6) is None


def test_a_pass_ends_it_and_so_does_who_stops_publishing() -> None:
    """And our own faults are none of it."""
    last = _after(LastRun(), UNDECIDED)
    assert _after(last, UNDECIDED, a_check(427.0)).unverified == {}
    assert _after(last, state=IngestState.DOWN).unverified == {}
    ours = replace(UNDECIDED, reason=Reason.UNKNOWN_CAPACITY)
    assert _after(LastRun(), ours).unverified == {}


def test_all_parts_of_the_prober_say_it_together() -> None:
    """Each knows its own nodes' checks."""
    one, other = _after(LastRun(), UNDECIDED), _after(LastRun())
    assert runs_together([one, other]).unverified == {"s3": 7}
