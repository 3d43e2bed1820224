"""Waits: growing, bounded, spread out."""

from hypothesis import given
from hypothesis import strategies as st

from agent.backoff import Backoff, spread_s

RETRY = Backoff(first_s=0.5, limit_s=30.0)
CHANCE = st.floats(0, 1, exclude_max=True)


def test_waits_double_up_to_the_limit() -> None:
    waits = [RETRY.delay_s(n, 0.999999) for n in range(9)]
    assert [round(w, 3) for w in waits] == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]


@given(st.integers(1, 10**9), CHANCE)
def test_a_wait_is_at_least_half_and_at_most_all_of_the_schedule(n: int, chance: float) -> None:
    assert RETRY.delay_s(n, 0) <= RETRY.delay_s(n, chance) <= 2 * RETRY.delay_s(n, 0) <= 30.0


@given(st.floats(1, 600), CHANCE)
def test_a_pace_is_spread_by_a_tenth(pace_s: float, chance: float) -> None:
    assert 0.899 * pace_s <= spread_s(pace_s, chance) <= 1.101 * pace_s
