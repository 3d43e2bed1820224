"""A check lasts as long as was drawn, or as what it repeats."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lengths import Length
from tests.builders import a_check
from tools.verify.check_lengths import Lengths

SHORT, LONG, VERY_LONG = Length
PASS, FAIL = Verdict.PASS, Verdict.FAIL


def _check(draw: int, length: Length, verdict: Verdict = PASS, **more: Any) -> Check:
    return replace(a_check(draw * 60 + 7.5, verdict), draw=draw, length=length, **more)


def _said(check: Check, drawn: Length, *before: Check) -> list[str]:
    return list(Lengths.after(before, 60).findings(check, drawn))


@pytest.mark.parametrize("drawn", list(Length))
def test_what_is_made_as_it_was_drawn_says_nothing(drawn: Length) -> None:
    assert _said(_check(70, drawn), drawn) == []


def test_nothing_is_made_for_a_shorter_time_than_was_drawn() -> None:
    assert _said(_check(70, SHORT), LONG) == ["a shorter time than was drawn"]
    assert _said(_check(70, LONG), VERY_LONG) == ["a shorter time than was drawn"]


def test_a_retest_lasts_as_long_as_what_failed() -> None:
    """Until a check of that length passes."""
    failed = _check(60, VERY_LONG, FAIL)
    retest = _check(62, LONG, caused_by_s=failed.due_s)
    said = ["a shorter time than what it repeats"]
    assert _said(retest, SHORT, failed) == said
    assert _said(retest, SHORT, failed, _check(61, LONG)) == said
    assert _said(retest, SHORT, failed, _check(61, VERY_LONG)) == []
    assert _said(replace(retest, length=VERY_LONG), SHORT, failed) == []
    assert _said(_check(62, SHORT), SHORT, failed) == []
    assert _said(retest, LONG, _check(60, LONG, FAIL)) == []
