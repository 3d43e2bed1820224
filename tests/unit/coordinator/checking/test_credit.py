"""Degraded checks that a node may have: what passes earn, and what is owed beyond it."""

import pytest

from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.checking.credit import (
    CREDIT_MAX,
    DEGRADED_TAKES,
    HOLDS_S,
    PASS_EARNS,
    credit_after,
    held_from_s,
    owed_after,
)
from coordinator.checking.lengths import Length
from coordinator.checking.stakes import marked
from coordinator.checking.suspicion import NOBODY
from coordinator.checking.trust_book import TrustBook
from coordinator.reasons import Reason
from tests.builders import a_check

AT_S = 1_795_305_600.5
PASSED = a_check(AT_S)
DEGRADED = a_check(AT_S, Verdict.DEGRADED, Reason.DEGRADED)
CUT = a_check(AT_S, Verdict.DEGRADED, Reason.CUT, length=Length.VERY_LONG)
FAILED = a_check(AT_S, Verdict.FAIL, Reason.NO_STREAM)


def test_twenty_eight_passes_earn_one_and_twenty_seven_do_not() -> None:
    """28 of 37 thousandths are 1.036, 27 are 0.999."""
    credit = 0
    for _ in range(27):
        credit = credit_after(credit, PASSED)
    assert credit_after(credit, DEGRADED) < 0
    assert credit_after(credit_after(credit, PASSED), DEGRADED) == 36


def test_an_honest_line_earns_more_than_it_needs_and_hardly_more() -> None:
    """Of 10,000 checks 9,700 pass and 291 are degraded, where 3 % of connections fail. What is
    left over is 0.7 % of a check: hardly more than an honest node loses otherwise."""
    left = 9_700 * PASS_EARNS - 291 * DEGRADED_TAKES
    assert 0 < left / 10_000 / DEGRADED_TAKES < 0.007


@pytest.mark.parametrize("check", [FAILED, CUT])
def test_what_voids_by_itself_takes_nothing(check: Check) -> None:
    assert credit_after(500, check) == 500


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.DEGRADED])
def test_a_retest_earns_nothing_and_takes_nothing(verdict: Verdict) -> None:
    """Its node saw it coming."""
    assert credit_after(500, a_check(AT_S, verdict, caused_by_s=AT_S - 70)) == 500


def test_nobody_has_more_than_twelve_in_reserve() -> None:
    assert credit_after(CREDIT_MAX - 1, PASSED) == CREDIT_MAX
    assert credit_after(CREDIT_MAX, PASSED) == CREDIT_MAX


@pytest.mark.parametrize(
    ("credit", "owed"), [(12, 0), (0, 0), (-1, 1), (-1_000, 1), (-1_001, 2), (-7_000, 7)]
)
def test_what_is_owed_is_counted_in_whole_checks(credit: int, owed: int) -> None:
    assert owed_after(PASSED, credit) == owed_after(DEGRADED, credit) == owed
    assert owed_after(FAILED, credit) == 0


def test_one_that_was_not_earned_holds_a_check_interval() -> None:
    """And the record says so; a pass behind it says how much is owed still."""
    book, made = TrustBook().observing([PASSED, a_check(AT_S + 700, Verdict.DEGRADED)])
    assert [(check.owes, held_from_s(check)) for check in made] == [
        (0, None),
        (1, int(AT_S) + 700 - HOLDS_S),
    ]
    book, (after,) = book.observing([a_check(AT_S + 1_400)])
    assert (after.owes, held_from_s(after)) == (1, None)
    assert book.of("n2").credit == 2 * PASS_EARNS - DEGRADED_TAKES


def test_one_that_was_earned_holds_nothing() -> None:
    """Thirty passes first."""
    book, _ = TrustBook().observing([a_check(AT_S + 900 * at) for at in range(30)])
    book, (check,) = book.observing([a_check(AT_S + 900 * 30, Verdict.DEGRADED)])
    assert (check.owes, check.holds) == (0, False)
    assert book.of("n2").credit == 30 * PASS_EARNS - DEGRADED_TAKES


def test_what_voids_holds_nothing_beside_it() -> None:
    """A degraded check that raises a flag voids ten hours, and a cut one five."""
    flagging = marked(DEGRADED, TrustChange.FLAGGED, NOBODY, NOBODY)
    _, (cut,) = TrustBook().observing([CUT])
    assert (flagging.holds, cut.holds, cut.owes) == (False, False, 0)
