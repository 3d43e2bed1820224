"""Control nodes check the checking."""

from coordinator.checking.checks import Check, Control, Verdict
from coordinator.checking.controls import ControlCount, voided
from coordinator.checking.suspicion import NOBODY
from coordinator.checking.trust_book import TRUST_BOOKS, TrustBook
from coordinator.reasons import Reason
from tests.builders import a_check

CONTROLS = {"n-good": Control.GOOD, "n-bad": Control.BAD}


def _check(node_id: str, verdict: Verdict) -> Check:
    return a_check(427.0, verdict, node_id=node_id)


GOOD_PASSES = _check("n-good", Verdict.PASS)
GOOD_FAILS = _check("n-good", Verdict.FAIL)


def test_failures_count_while_the_good_one_passes() -> None:
    """The prober is not in doubt."""
    checks = (GOOD_PASSES, _check("n2", Verdict.FAIL), _check("n3", Verdict.PASS))
    assert voided(checks, CONTROLS) == checks


def test_no_failure_counts_when_the_good_one_fails() -> None:
    """For nobody; what passed has passed."""
    checks = (GOOD_FAILS, _check("n2", Verdict.FAIL), _check("n3", Verdict.PASS))
    _, failed, passed = voided(checks, CONTROLS)
    assert (failed.verdict, failed.reason) == (Verdict.UNKNOWN, Reason.UNKNOWN_CONTROL)
    assert passed.verdict is Verdict.PASS


def test_a_bad_one_that_fails_voids_nothing() -> None:
    """That is what it is for."""
    checks = (_check("n-bad", Verdict.FAIL), _check("n2", Verdict.FAIL))
    assert voided(checks, CONTROLS) == checks


def test_misses_and_false_alarms_are_counted() -> None:
    """Per kind, in the trust book, for the dashboard."""
    run = [GOOD_PASSES, _check("n-bad", Verdict.FAIL), _check("n2", Verdict.PASS)]
    book, _ = TrustBook().observing(run, CONTROLS)
    wrong = [GOOD_FAILS, _check("n-bad", Verdict.PASS), _check("n2", Verdict.FAIL)]
    book, marked = book.observing(wrong, CONTROLS)
    assert book.controls == {
        Control.GOOD: ControlCount(checks=2, wrong=1),
        Control.BAD: ControlCount(checks=2, wrong=1),
    }
    assert book.of("n2").failed == 0
    assert len(marked) == 3
    assert TRUST_BOOKS.decode(TRUST_BOOKS.encode(book)) == book


def test_control_nodes_are_never_suspected() -> None:
    """A known-bad one would be confirmed within minutes, and then not be checked any more."""
    book = TrustBook()
    for _ in range(20):
        book, _checks = book.observing([_check("n-bad", Verdict.FAIL)], CONTROLS)
    assert book.of("n-bad") == NOBODY
