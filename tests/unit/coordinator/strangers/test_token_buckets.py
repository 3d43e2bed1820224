"""A caller is told how long to wait, and the table of callers stays small."""

from coordinator.strangers.token_buckets import Rates


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    """Three at once, then one each half second."""
    rates = Rates(per_second=2, burst=3)
    assert [rates.wait_s("a", 100.0) for _ in range(5)] == [0, 0, 0, 1, 1]
    assert rates.wait_s("a", 100.5) == 0
    assert rates.wait_s("a", 100.6) == 1


def test_callers_do_not_slow_each_other() -> None:
    """Each has a bucket of its own."""
    rates = Rates(per_second=0.1, burst=1)
    assert rates.wait_s("a", 7.0) == 0
    assert rates.wait_s("b", 7.0) == 0
    assert rates.wait_s("a", 7.0) == 10


def test_memory_is_bounded() -> None:
    """However many callers there are."""
    rates = Rates(per_second=1, burst=5, callers_max=100)
    for i in range(10_000):
        rates.wait_s(f"caller-{i}", 7.0)
    assert len(rates._buckets) == 100


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    """And gives nothing."""
    rates = Rates(per_second=1, burst=2)
    rates.wait_s("a", 100.0)
    assert rates.wait_s("a", 50.0) == 0
    assert rates.wait_s("a", 50.0) == 1
