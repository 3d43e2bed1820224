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
