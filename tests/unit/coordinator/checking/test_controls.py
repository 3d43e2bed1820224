"""Control nodes check the checking."""

from dataclasses import replace

from coordinator.checking.checks import Check, Control, Verdict
from coordinator.checking.controls import DOUBTED_RUNS_MAX, ControlCount
from coordinator.checking.suspicion import NOBODY
from coordinator.checking.trust_book import TRUST_BOOKS, TrustBook
from coordinator.reasons import Reason
from tests.builders import a_check

CONTROLS = {"n-good": Control.GOOD, "n-elsewhere": Control.GOOD, "n-bad": Control.BAD}


def _check(node_id: str, verdict: Verdict) -> Check:
    return a_check(427.0, verdict, node_id=node_id)


GOOD_PASSES = _check("n-good", Verdict.PASS)
GOOD_FAILS = _check("n-good", Verdict.FAIL)


def _counting(book: TrustBook, *checks: Check) -> tuple[TrustBook, list[Verdict]]:
    """The book after a run, and what became of the checks of nodes that are no control."""
    after, marked = book.observing(checks, CONTROLS)
    return after, [check.verdict for check in marked if check.node_id not in CONTROLS]


def _run(draw: int, *checks: Check) -> tuple[Check, ...]:
    return tuple(replace(check, draw=draw) for check in checks)


def test_failures_count_while_the_good_one_passes() -> None:
    """The prober is not in doubt."""
    run = GOOD_PASSES, _check("n2", Verdict.FAIL), _check("n3", Verdict.PASS)
    assert _counting(TrustBook(), *run)[1] == [Verdict.FAIL, Verdict.PASS]


def test_no_failure_counts_when_the_good_one_fails() -> None:
    """For nobody; what passed has passed."""
    run = GOOD_FAILS, _check("n2", Verdict.FAIL), _check("n3", Verdict.PASS)
    _, marked = TrustBook().observing(run, CONTROLS)
    _, failed, passed = marked
    assert (failed.verdict, failed.reason) == (Verdict.UNKNOWN, Reason.UNKNOWN_CONTROL)
    assert passed.verdict is Verdict.PASS


def test_a_bad_one_that_fails_voids_nothing() -> None:
    """That is what it is for."""
    run = _check("n-bad", Verdict.FAIL), _check("n2", Verdict.FAIL)
    assert _counting(TrustBook(), *run)[1] == [Verdict.FAIL]


def test_a_second_good_one_elsewhere_decides() -> None:
    """One alone may have been knocked out; both at once look like our own fault."""
    run = GOOD_FAILS, _check("n-elsewhere", Verdict.PASS), _check("n2", Verdict.FAIL)
    assert _counting(TrustBook(), *run)[1] == [Verdict.FAIL]
    unknown = GOOD_FAILS, _check("n-elsewhere", Verdict.UNKNOWN), _check("n2", Verdict.FAIL)
    assert _counting(TrustBook(), *unknown)[1] == [Verdict.UNKNOWN]


def test_a_good_one_that_is_knocked_out_voids_only_so_many_runs() -> None:
    """In a row; a pass of it begins the count anew."""
    book, found = TrustBook(), []
    draws = iter(range(100))
    for _ in range(DOUBTED_RUNS_MAX + 2):
        book, (verdict,) = _counting(
            book, *_run(next(draws), GOOD_FAILS, _check("n2", Verdict.FAIL))
        )
        found.append(verdict)
    assert found == [Verdict.UNKNOWN] * DOUBTED_RUNS_MAX + [Verdict.FAIL] * 2
    book, _ = _counting(book, *_run(next(draws), GOOD_PASSES))
    book, (verdict,) = _counting(book, *_run(next(draws), GOOD_FAILS, _check("n2", Verdict.FAIL)))
    assert verdict is Verdict.UNKNOWN


def test_checks_that_end_late_go_with_their_run() -> None:
    """Although another one was recorded between."""
    book, _ = _counting(TrustBook(), *_run(5, GOOD_FAILS))
    book, _ = _counting(book, *_run(6, GOOD_PASSES))
    assert _counting(book, *_run(5, _check("n2", Verdict.FAIL)))[1] == [Verdict.UNKNOWN]
    assert _counting(book, *_run(6, _check("n2", Verdict.FAIL)))[1] == [Verdict.FAIL]


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
