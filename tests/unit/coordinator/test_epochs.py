"""Half-open intervals, numbered from 1970."""

import pytest

from coordinator.epochs import Calendar

CALENDAR = Calendar(sweep_seconds=5, check_seconds=7, epoch_seconds=60, grace_seconds=13)


def test_an_epoch_is_half_open() -> None:
    """Its end belongs to the next one."""
    assert CALENDAR.epoch_at(119.999) == 1
    assert CALENDAR.epoch_at(120) == 2
    assert CALENDAR.epoch_bounds_s(2) == (120, 180)


def test_an_epoch_has_its_ticks() -> None:
    """Every tick belongs to one epoch."""
    assert list(CALENDAR.ticks_of(1)) == list(range(12, 24))


def test_evidence_counts_until_a_little_before_the_grace_period_ends() -> None:
    """What is being written in time is to be seen by everybody who settles."""
    assert CALENDAR.evidence_until_s(1) == 120 + 13 - 13 / 3
    assert Calendar(grace_seconds=120).evidence_until_s(1) == 7_200 + 120 - 12


@pytest.mark.parametrize(("sweep", "epoch"), [(7, 60), (0, 60), (5, 0)])
def test_lengths_that_do_not_fit_are_refused(sweep: int, epoch: int) -> None:
    """An epoch is a whole number of sweeps."""
    with pytest.raises(ValueError, match=r"epoch|least"):
        Calendar(sweep_seconds=sweep, epoch_seconds=epoch)


@pytest.mark.parametrize(
    ("sweep_s", "epoch_s", "hour_s"),
    [
        (60, 3_600, 3_600),
        (60, 900, 3_600),
        (120, 86_400, 3_600),
        (5, 60, 60),
        (7, 3_500, 3_500),
        (1, 86_400, 3_600),
    ],
)
def test_an_hour_is_an_hour_but_in_a_network_that_runs_for_show(
    sweep_s: int, epoch_s: int, hour_s: int
) -> None:
    """Short epochs alone do not make one."""
    assert Calendar(sweep_s, 1, epoch_s).hour_seconds == hour_s


@pytest.mark.parametrize(("sweep_s", "epoch_s"), [(1, 60), (7, 3_500), (61, 3_660), (3_600, 3_600)])
def test_every_tick_is_of_one_hour(sweep_s: int, epoch_s: int) -> None:
    """Also where an hour is no whole number of sweeps."""
    calendar = Calendar(sweep_s, 1, epoch_s)
    hours = [calendar.ticks_of_hour(hour) for hour in range(5)]
    assert [tick for ticks in hours for tick in ticks] == list(range(hours[-1].stop))
    assert all(calendar.hour_of(tick) == i for i, ticks in enumerate(hours) for tick in ticks)


@pytest.mark.parametrize(
    ("asked_s", "wanted_s", "ends_s"),
    [
        (7_200.0, 0.0, 14_400),
        (10_799.9, 0.0, 14_400),
        (10_800.0, 0.0, 18_000),
        (7_300.0, 7_301.0, 14_400),
        (7_300.0, 14_400.0, 14_400),
        (7_300.0, 14_401.0, 18_000),
        (7_300.0, 90_000.0, 90_000),
    ],
)
def test_a_stream_ends_with_the_epoch_after_it_is_asked_to(
    asked_s: float, wanted_s: float, ends_s: int
) -> None:
    """Nobody ends it once they have seen what is owed."""
    assert Calendar().ends_s(asked_s, wanted_s) == ends_s
