"""Exact bounds of counted shares, against values that are published or follow by hand."""

import pytest

from bench.bounds import share_bounds


def test_no_hit_in_n_trials_is_bounded_by_the_root() -> None:
    """(1 - p)^n = 0.025 by hand."""
    for trials in (1, 20, 500):
        low, high = share_bounds(0, trials)
        assert low == 0
        assert high == pytest.approx(1 - 0.025 ** (1 / trials), rel=1e-9)


def test_hits_and_misses_mirror_each_other() -> None:
    """As many misses as hits, the other way round."""
    low, high = share_bounds(3, 17)
    assert share_bounds(14, 17) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_a_published_example() -> None:
    """10 of 100: 4.90 % to 17.62 % (any table of Clopper-Pearson intervals)."""
    assert share_bounds(10, 100) == pytest.approx((0.0490, 0.1762), abs=5e-5)


def test_nothing_tried_says_nothing() -> None:
    """And an impossible count is refused."""
    assert share_bounds(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="hits"):
        share_bounds(3, 2)
