"""What a goodbye explains, and what it does not."""

import pytest

from coordinator.checking.checks import Check, Control, Verdict
from coordinator.checking.controls import ControlCount, in_doubt, is_wrong
from coordinator.checking.delistings import fails_counted
from coordinator.checking.departures import EXPLAINED, explained
from coordinator.checking.suspicion import Trust, TrustState
from coordinator.reasons import Reason
from tests.builders import a_check, an_attempt

DUE_S = 427.0
ENDS_S = DUE_S + 0.001 + 40.0


def _failed(reason: Reason, *, node_id: str = "n2") -> Check:
    """At both of its connections."""
    attempts = tuple(an_attempt(DUE_S + at_s, reason, seconds=40.0) for at_s in (0, 60))
    return a_check(DUE_S, Verdict.FAIL, reason, node_id=node_id, attempts=attempts)


@pytest.mark.parametrize("reason", sorted(EXPLAINED))
def test_a_goodbye_explains_what_is_missing_after_it(reason: Reason) -> None:
    """As long as the first connection had not failed before."""
    for left_s in (DUE_S - 9, DUE_S + 9, ENDS_S - 0.001):
        left = explained(_failed(reason), left_s)
        assert (left.verdict, left.reason, left.left_s) == (Verdict.FAIL, Reason.LEFT, left_s)
    assert explained(_failed(reason), ENDS_S + 0.001) == _failed(reason)


def test_a_goodbye_explains_nothing_that_was_served() -> None:
    """Nor a failure that says that something came, and was wrong or late."""
    says = [reason for reason in Reason if not reason.is_ours and reason not in EXPLAINED]
    assert all(explained(_failed(reason), DUE_S) == _failed(reason) for reason in says)


def test_a_check_that_did_not_fail_stays_as_it_is() -> None:
    """A pass after a goodbye is one."""
    passed = a_check(DUE_S, attempts=(an_attempt(DUE_S),))
    assert explained(passed, DUE_S) == passed


def test_a_control_that_leaves_puts_nobody_in_doubt() -> None:
    """An update of it would else void what everybody failed, and call people."""
    left = explained(_failed(Reason.UNREACHABLE, node_id="good"), DUE_S)
    assert not is_wrong(left, Control.GOOD)
    assert in_doubt([left], {"good": Control.GOOD}) is None
    assert ControlCount().counting(left, Control.GOOD) == ControlCount(unknown=1)


def test_who_leaves_is_none_of_many_that_fail() -> None:
    """Lists would else wait for a second run with those who do fail."""
    left = explained(_failed(Reason.UNREACHABLE), DUE_S)
    states = {"n2": TrustState(trust=Trust.PROVEN)}
    assert fails_counted((), [left], states) == ()
