"""What the campaign's figures are made of."""

from collections import Counter

import pytest

from bench.chaos.address_floods import Flooded
from bench.chaos.aftermath import Aftermath
from bench.chaos.chaos_parts import PARTS, chosen
from bench.chaos.recovery import Recovery
from bench.chaos.strike_series import number
from bench.report import NotMeasurableError
from coordinator.reasons import Reason


def test_a_recovery_takes_as_long_as_what_came_last() -> None:
    assert Recovery(2.0, 7.0, 5.0, 1.5).seconds == 7.0


def test_minutes_are_unjustly_unpaid_unless_nobody_published_or_checked() -> None:
    books = Aftermath()
    books.unpaid.update({Reason.STREAM_IDLE: 2, Reason.AWAITING_CHECK: 3})
    books.unpaid.update({Reason.BEFORE_FIRST_PASS: 5})
    assert books.unjust == 0
    books.unpaid.update({Reason.VOIDED: 7, Reason.DOWN: 11})
    assert books.unjust == 18


def test_a_refusal_that_does_not_say_when_to_come_again_is_wrong() -> None:
    told = Flooded(statuses=Counter({200: 2, 429: 3, 503: 5, 500: 7, 0: 11}), bare=1)
    assert told.shed == 7
    assert told.wrong == 7 + 11 + 1


def test_a_campaign_has_the_parts_that_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONLY", "pairs, kill")
    assert list(chosen()) == ["kill", "pairs"]
    monkeypatch.setenv("ONLY", "")
    assert list(chosen()) == list(PARTS)
    monkeypatch.setenv("ONLY", "kil")
    with pytest.raises(NotMeasurableError, match=r"kil.*choose from"):
        chosen()


def test_a_number_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIRS", "")
    assert number("PAIRS", 20) == 20
    monkeypatch.setenv("PAIRS", "many")
    with pytest.raises(NotMeasurableError, match="PAIRS is a whole number"):
        number("PAIRS", 20)
