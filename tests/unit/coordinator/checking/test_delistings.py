"""Who leaves lists and who comes back, one situation after the other."""

from coordinator.checking.checks import Check, Control, TrustChange, Verdict
from coordinator.checking.delistings import is_listed
from coordinator.checking.suspicion import PUBLISHED, Trust, TrustState
from coordinator.checking.trust_book import TrustBook
from coordinator.reasons import Reason

PROVEN = TrustState(Trust.PROVEN, passed=3, last_check_s=1.0, last_pass_s=1.0)
NODES = [f"n{number}" for number in range(20)]
BOOK = TrustBook(dict.fromkeys(NODES, PROVEN))


def a_check(
    node_id: str, draw: int, verdict: Verdict = Verdict.FAIL, caused_by_s: float | None = None
) -> Check:
    """At its draw's beginning."""
    reason = {Verdict.FAIL: Reason.NO_STREAM, Verdict.PASS: Reason.PASSED}.get(
        verdict, Reason.DEGRADED
    )
    return Check(node_id, "s3", draw, draw * 60.0, verdict, reason, caused_by_s)


def after(book: TrustBook, *checks: Check) -> TrustBook:
    """The book after one run."""
    return book.observing(checks)[0]


def test_one_failed_check_takes_a_node_off_and_one_clean_pass_brings_it_back() -> None:
    """Degraded in between changes nothing: its first connection was refused."""
    book = after(BOOK, a_check("n2", 7))
    assert not is_listed(book.of("n2"))
    book = after(book, a_check("n2", 9, Verdict.DEGRADED))
    assert not is_listed(book.of("n2"))
    book = after(book, a_check("n2", 10, Verdict.PASS))
    assert is_listed(book.of("n2"))
    assert book.of("n2").failed == 1


def test_many_at_once_stay_until_a_second_run_confirms() -> None:
    """Whoever passes then was met by a fault of ours."""
    book = after(BOOK, *(a_check(name, 7) for name in NODES[:5]))
    assert all(is_listed(book.of(name)) for name in NODES)
    again = [a_check(name, 9, caused_by_s=420.0) for name in NODES[:2]]
    passed, degraded = (
        a_check("n3", 9, Verdict.PASS, 420.0),
        a_check("n4", 9, Verdict.DEGRADED, 420.0),
    )
    book = after(book, *again, passed, degraded)
    assert book.of("n4").score == PUBLISHED.failed
    assert [name for name in NODES if not is_listed(book.of(name))] == NODES[:2]
    assert book.of("n3").doubted_s is None
    assert book.of("n4").doubted_s == 420.0


def test_our_own_network_down_for_a_while_flags_nobody() -> None:
    """Retests of what many failed move lists, not scores: drawn checks alone tell of suspicion."""
    book = BOOK
    for draw in range(7, 12):
        failed = [
            a_check(name, draw, caused_by_s=book.of(name).delisted_s or book.of(name).doubted_s)
            for name in NODES
        ]
        book = after(book, *failed)
    assert {book.of(name).trust for name in NODES} == {Trust.PROVEN}
    assert {book.of(name).score for name in NODES} == {PUBLISHED.failed}
    assert not any(is_listed(book.of(name)) for name in NODES)


def test_a_node_that_is_gone_is_flagged_by_its_retests() -> None:
    """Three failures, minutes apart, and nobody else fails."""
    book, events = BOOK, []
    for draw in (7, 9, 10):
        others = [a_check(name, draw, Verdict.PASS) for name in NODES[1:]]
        book, checks = book.observing([a_check("n0", draw, caused_by_s=None), *others])
        events += [check.event for check in checks if check.node_id == "n0"]
    assert events == [None, None, TrustChange.FLAGGED]


def test_newcomers_and_controls_make_no_crowd() -> None:
    """Else keys, which cost nothing, would keep a dead node on the lists."""
    strangers = [a_check(f"x{number}", 7) for number in range(50)]
    controls = {"c1": Control.BAD}
    book, _ = BOOK.observing([a_check("n0", 7), *strangers, a_check("c1", 7)], controls)
    assert not is_listed(book.of("n0"))
    assert (book.fail_counts[0].checked, book.fail_counts[0].failed) == (1, 1)


def test_a_run_that_a_control_put_in_doubt_takes_nobody_off() -> None:
    """None of its failures counts."""
    book, _ = BOOK.observing([a_check("n0", 7), a_check("c1", 7)], {"c1": Control.GOOD})
    assert is_listed(book.of("n0"))
    assert book.fail_counts == ()


def test_only_those_whose_place_changed_are_news() -> None:
    """In both directions, a node's first pass among them."""
    book = after(BOOK, a_check("n0", 7), *(a_check(name, 7, Verdict.PASS) for name in NODES[1:]))
    assert book.relisted_since(BOOK).keys() == {"n0"}
    later = after(book, a_check("n0", 9, Verdict.PASS), a_check("new", 9, Verdict.PASS))
    assert later.relisted_since(book).keys() == {"n0", "new"}
