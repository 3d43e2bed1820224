"""A node's past as pages show it: levels by the hour and by the day."""

import pytest

from coordinator.projections.history import (
    ABSENT,
    DAYS,
    FLOORS_PERMILLE,
    HOURS,
    IDLE,
    LEVELS,
    History,
    NodeHistory,
    level_of,
)
from coordinator.sweeping.rollups import NodeHour

UP, HALF, DOWN = NodeHour(60, 60, 0), NodeHour(60, 30, 0), NodeHour(60, 0, 0)
MIDNIGHT = 24 * 20_777


def test_every_level_has_a_character_of_its_own() -> None:
    """And its floor."""
    assert len(LEVELS) == len(FLOORS_PERMILLE)
    assert len({*LEVELS, IDLE, ABSENT}) == len(LEVELS) + 2
    assert sorted(LEVELS) == list(LEVELS)


@pytest.mark.parametrize(
    ("hour", "floor"),
    [(UP, 1000), (HALF, 500), (DOWN, 0), (NodeHour(1440, 1439, 0), 999), (NodeHour(60, 59, 0), 980),
     (NodeHour(60, 20, 30, 10), 1000), (NodeHour(1440, 1, 0), 0), (NodeHour(60, 1, 0), 1)],
)  # fmt: skip
def test_a_level_is_the_highest_floor_that_is_reached(hour: NodeHour, floor: int) -> None:
    """Of the minutes that were measured while there was a stream."""
    assert FLOORS_PERMILLE[LEVELS.index(level_of(hour))] == floor


def test_what_was_not_measured_or_not_live_is_no_level() -> None:
    """Neither is the node's doing."""
    assert level_of(NodeHour(60, 0, 60)) == ABSENT
    assert level_of(NodeHour(60, 0, 20, 40)) == IDLE
    assert level_of(NodeHour(0, 0, 0)) == ABSENT


def test_hours_follow_each_other_and_the_oldest_goes() -> None:
    """A day of them is kept."""
    history = History(MIDNIGHT)
    for hour in range(HOURS + 3):
        history = history.after({("n2", "s3"): DOWN if hour == 2 else UP}, {"n2"})
    assert history.until_hour == MIDNIGHT + HOURS + 3
    assert history.nodes["n2"].hours == "d" * HOURS


def test_a_day_ends_at_midnight() -> None:
    """Its level is of all its minutes, not of its hours' levels."""
    history = History(MIDNIGHT)
    for hour in range(24):
        assert history.nodes.get("n2", NodeHistory()).days == ""
        history = history.after({("n2", "s3"): DOWN if hour == 0 else UP}, {"n2"})
    node = history.nodes["n2"]
    assert node.days == LEVELS[FLOORS_PERMILLE.index(950)]  # 23 hours of 24
    assert node.today == NodeHour(0, 0, 0)


def test_two_streams_of_one_hour_are_added_up() -> None:
    """A node that moved was up for both."""
    rollup = {("n2", "s3"): NodeHour(30, 30, 0), ("n2", "s5"): NodeHour(30, 0, 0)}
    assert History(7).after(rollup, {"n2"}).nodes["n2"].hours == level_of(HALF)


def test_who_is_kept_and_not_measured_has_a_gap_and_who_is_not_kept_is_gone() -> None:
    """A newcomer without minutes is not there yet."""
    history = History(7).after({("n2", "s3"): UP, ("n5", "s3"): UP}, {"n2", "n5"})
    history = history.after({}, {"n2", "n7"})
    assert history.nodes.keys() == {"n2"}
    assert history.nodes["n2"].hours == "d" + ABSENT


@pytest.mark.parametrize("hours", [1, 5, 24, 30, 24 * 40])
def test_a_gap_is_the_same_as_hours_without_a_sweep(hours: int) -> None:
    """However long it was."""
    history = History(MIDNIGHT + 21).after({("n2", "s3"): HALF}, {"n2"})
    stepwise = history
    for _ in range(hours):
        stepwise = stepwise.after({}, {"n2"})
    assert history.skipped_to(history.until_hour + hours) == stepwise
    assert len(stepwise.nodes["n2"].days) <= DAYS


def test_the_past_cannot_be_skipped_to() -> None:
    """It is there already."""
    history = History(7).after({("n2", "s3"): UP}, {"n2"})
    assert history.skipped_to(3) is history
