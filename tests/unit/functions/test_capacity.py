"""Who finds a place, and who is recorded without one."""

import pytest

from coordinator.adapters.processors import WINDOW_S, ProcessorMeter
from coordinator.checking.check_costs import (
    AT_ONCE_PER_PROCESSOR_MAX,
    EXTRA_SHARE_MAX,
    MEASURED_SHARE_MAX,
    WORK_SHARE_MAX,
    CheckCost,
    cost_of,
)
from prober.capacity import Capacity, Place

QUARTER = CheckCost(wall_s=10.0, cpu_s=10.0 * WORK_SHARE_MAX / 4)
"""Four of them are what one processor does."""
LIGHT = CheckCost(wall_s=120.0, cpu_s=1e-6)


def places(capacity: Capacity, cost: CheckCost, count: int, *, is_extra: bool) -> list[Place]:
    """Those of `count` that found one."""
    found = [capacity.take(cost, is_extra=is_extra) for _ in range(count)]
    return [place for place in found if place]


def test_a_place_is_refused_rather_than_queued_and_can_be_taken_again() -> None:
    """More captures at once would make honest nodes look late."""
    capacity = Capacity(1.0)
    taken = places(capacity, QUARTER, 9, is_extra=False)
    assert len(taken) == 4
    capacity.give_back(taken[0])
    assert len(places(capacity, QUARTER, 9, is_extra=False)) == 1


def test_twice_the_processors_are_twice_the_places() -> None:
    """Half of one is half of them."""
    counts = [len(places(Capacity(p), QUARTER, 99, is_extra=False)) for p in (0.5, 1.0, 2.0, 8.0)]
    assert counts == [2, 4, 8, 32]


@pytest.mark.parametrize("flood", [2, 265, 10_000])
def test_a_flood_of_newcomers_leaves_half_of_the_places(flood: int) -> None:
    """Keys cost nothing; whoever has one is checked no less for it."""
    capacity = Capacity(2.0)
    extra = places(capacity, QUARTER, flood, is_extra=True)
    assert len(extra) == min(flood, 8 * EXTRA_SHARE_MAX)
    assert len(places(capacity, QUARTER, 99, is_extra=False)) == 8 - len(extra)
    for place in extra:
        capacity.give_back(place)
    assert len(places(capacity, QUARTER, 99, is_extra=True)) == len(extra)


def test_work_that_is_hardly_any_is_limited_by_its_number() -> None:
    """Each capture has memory of its own."""
    capacity = Capacity(1.0)
    assert len(places(capacity, LIGHT, 9_999, is_extra=False)) == AT_ONCE_PER_PROCESSOR_MAX
    half = AT_ONCE_PER_PROCESSOR_MAX * EXTRA_SHARE_MAX
    assert len(places(Capacity(1.0), LIGHT, 9_999, is_extra=True)) == half


def test_a_machine_that_is_busier_than_the_figures_say_takes_no_more() -> None:
    """But always one: else what made it busy could stop all checks."""
    busy = [0.0]
    capacity = Capacity(1.0, lambda: busy[0])
    assert places(capacity, LIGHT, 3, is_extra=False)
    busy[0] = MEASURED_SHARE_MAX + 0.01
    assert not places(capacity, LIGHT, 3, is_extra=False)
    assert len(places(Capacity(1.0, lambda: busy[0]), LIGHT, 3, is_extra=False)) == 1


def test_use_is_measured_over_a_window() -> None:
    """And stays as it was measured until the next one is over."""
    now_s, used_s = [100.0], [7.0]
    meter = ProcessorMeter(lambda: now_s[0], lambda: used_s[0])
    used_s[0] += 3.0
    assert meter.busy() == 0.0
    now_s[0] += WINDOW_S
    assert meter.busy() == 3.0 / WINDOW_S
    now_s[0] += WINDOW_S - 0.1
    assert meter.busy() == 3.0 / WINDOW_S
    now_s[0] += WINDOW_S
    assert meter.busy() == 0.0


def test_a_very_long_check_holds_its_place_for_less_work() -> None:
    """Twenty times as long, ten times the work: to begin and to be judged costs most."""
    short, very_long = cost_of(5.0, 4e6), cost_of(120.0, 4e6)
    assert very_long.wall_s > 20 * short.wall_s
    assert very_long.work_micros < 0.7 * short.work_micros
    assert cost_of(5.0, 20e6).work_micros > short.work_micros
    # What is only counted between its spans is no whole reading.
    assert very_long.cpu_s < cost_of(119.0, 4e6).cpu_s
