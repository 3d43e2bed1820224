"""A check lasts as long as was drawn, or as what it repeats."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lengths import Length
from tests.builders import a_check
from tools.verify.lengths import Lengths

SHORT, LONG, VERY_LONG = Length
PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN


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


def test_a_longer_one_needs_a_failure_of_its_length() -> None:
    """Once such a one has passed, and everybody can know of it."""
    longer = _check(70, VERY_LONG, FAIL)
    said = ["a longer time than was drawn"]
    passed = _check(30, VERY_LONG)
    assert _said(longer, SHORT, passed) == said
    assert _said(longer, SHORT, passed, _check(40, LONG, FAIL)) == said
    assert _said(longer, SHORT, passed, _check(40, VERY_LONG, UNKNOWN)) == said
    assert _said(longer, SHORT, passed, _check(40, VERY_LONG, Verdict.DEGRADED)) == []
    assert _said(longer, SHORT) == []  # what came before is not known
    assert _said(longer, SHORT, passed, _check(40, VERY_LONG, FAIL)) == []
    assert _said(longer, SHORT, _check(40, VERY_LONG, FAIL), _check(62, VERY_LONG)) == []
    assert _said(longer, SHORT, _check(40, VERY_LONG, FAIL), _check(50, VERY_LONG)) == said
    assert _said(_check(70, LONG), SHORT, passed) == said


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
