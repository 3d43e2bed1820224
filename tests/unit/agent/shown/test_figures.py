"""Figures as people read them."""

import pytest

from agent.shown.figures import amount, instant, lasting, words


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (7_100_000, "7.1 MB"), (2.5e13, "25.0 TB")],
)
def test_an_amount_has_the_largest_unit_that_it_fills(value: float, said: str) -> None:
    assert amount(value, "B") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0, "0 s"), (59.9, "59 s"), (60.0, "1 min"), (7_199.0, "1 h"), (86_400.0 * 3, "3 d")],
)
def test_a_time_has_the_largest_unit_that_it_fills(seconds: float, said: str) -> None:
    assert lasting(seconds) == said


def test_instants_are_of_utc_and_codes_are_words() -> None:
    assert instant(1_795_359_127.0) == "22 Nov 14:52 UTC"
    assert words("too_often:by_far") == "too often: by far"
