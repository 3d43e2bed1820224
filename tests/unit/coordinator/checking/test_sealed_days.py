"""A day whose draws are fixed before it begins."""

from datetime import date

import pytest

from coordinator.checking.sealed_days import LotteryDay

MIDNIGHT_S = 1_795_305_600.0


@pytest.mark.parametrize(("sealed_s", "in_advance"), [(-1.0, True), (0.0, False), (1.0, False)])
def test_a_day_that_has_begun_was_not_sealed_in_advance(sealed_s: float, in_advance: bool) -> None:
    """At midnight its first draw is there already."""
    day = LotteryDay(date(2026, 11, 22), "00", 60, 4, MIDNIGHT_S + sealed_s)
    assert day.starts_s == MIDNIGHT_S
    assert day.was_sealed_in_advance is in_advance
