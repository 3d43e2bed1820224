"""Days are sealed in advance and opened afterwards, whatever happens to the key."""

from datetime import date

import pytest

from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import StoreError
from coordinator.checking.checks import Control
from coordinator.checking.lottery import commitment, day_secret
from coordinator.checking.sealed_days import LotteryDay
from prober.sealer import Sealer
from tests.doubles.crashing import CrashingStore
from tests.doubles.memory import MemoryStore

DAY = date(2026, 11, 22)
MIDNIGHT_S = 1_795_305_600.0
OLD, NEW = "o" * 32, "n" * 32


async def test_tomorrow_is_sealed_today_and_yesterday_opened() -> None:
    """The commitment is public before the day, the secret after it."""
    measurements = Measurements(MemoryStore())
    sealer = Sealer(measurements, OLD, 60, 4)
    await sealer.lottery(MIDNIGHT_S - 7_200, date(2026, 11, 21))
    (sealed,) = await measurements.lottery_days([DAY])
    assert sealed is not None
    assert sealed.was_sealed_in_advance
    assert (sealed.secret, sealed.commitment) == (None, commitment(day_secret(OLD, DAY)))
    await sealer.lottery(MIDNIGHT_S + 86_400 + 600, date(2026, 11, 23))
    (opened,) = await measurements.lottery_days([DAY])
    assert opened is not None
    assert opened.secret == day_secret(OLD, DAY)


async def test_a_rotated_key_does_not_stop_the_prober() -> None:
    """A day sealed with the old key stays shut; runs go on."""
    measurements = Measurements(MemoryStore())
    await Sealer(measurements, OLD, 60, 4).lottery(MIDNIGHT_S + 600, DAY)
    rotated = Sealer(measurements, NEW, 60, 4)
    lottery = await rotated.lottery(MIDNIGHT_S + 86_400 + 600, date(2026, 11, 23))
    (shut,) = await measurements.lottery_days([DAY])
    assert shut is not None
    assert shut.secret is None
    assert lottery.checks_per_hour == 4


async def test_a_changed_rate_waits_for_a_day_that_is_not_sealed() -> None:
    """What was committed to is what is drawn."""
    measurements = Measurements(MemoryStore())
    await Sealer(measurements, OLD, 60, 4).lottery(MIDNIGHT_S + 600, DAY)
    lottery = await Sealer(measurements, OLD, 60, 40).lottery(MIDNIGHT_S + 700, DAY)
    assert lottery.checks_per_hour == 4


async def test_changed_controls_wait_for_a_day_that_is_not_sealed() -> None:
    """Nobody is made a control node because of what a check of today found."""
    measurements = Measurements(MemoryStore())
    before = Sealer(measurements, OLD, 60, 4, {"n3": Control.GOOD})
    await before.lottery(MIDNIGHT_S + 600, DAY)
    changed = Sealer(measurements, OLD, 60, 4, {"n5": Control.GOOD})
    await changed.lottery(MIDNIGHT_S + 700, DAY)
    assert changed.controls_of(DAY) == {"n3": Control.GOOD}
    later = date(2026, 11, 24)
    await changed.lottery(MIDNIGHT_S + 86_400 + 700, later)
    assert changed.controls_of(later) == {"n5": Control.GOOD}


async def test_a_day_sealed_without_controls_goes_by_the_setting() -> None:
    """It was sealed by a program of before they were published."""
    measurements = Measurements(MemoryStore())
    sealed = LotteryDay(DAY, commitment(day_secret(OLD, DAY)), 60, 4, MIDNIGHT_S - 7)
    await measurements.seal(sealed)
    sealer = Sealer(measurements, OLD, 60, 4, {"n5": Control.BAD})
    await sealer.lottery(MIDNIGHT_S + 600, DAY)
    assert sealer.controls_of(DAY) == {"n5": Control.BAD}


async def test_a_secret_that_could_not_be_published_is_published_by_the_next_run() -> None:
    """The store failed once, at midnight of all times."""
    store = CrashingStore()
    measurements = Measurements(store)
    sealer = Sealer(measurements, OLD, 60, 4)
    await sealer.lottery(MIDNIGHT_S + 600, DAY)
    tomorrow_s, tomorrow = MIDNIGHT_S + 86_400, date(2026, 11, 23)
    await sealer.lottery(tomorrow_s + 1, tomorrow)
    store.calls_left = 0
    with pytest.raises(StoreError):
        await sealer.lottery(tomorrow_s + 600, tomorrow)
    store.calls_left = None
    await sealer.lottery(tomorrow_s + 660, tomorrow)
    (opened,) = await measurements.lottery_days([DAY])
    assert opened is not None
    assert opened.secret == day_secret(OLD, DAY)


async def test_a_day_is_opened_even_if_the_prober_was_away_when_it_ended() -> None:
    """Whoever comes back opens what should have been open for days."""
    measurements = Measurements(MemoryStore())
    await Sealer(measurements, OLD, 60, 4).lottery(MIDNIGHT_S + 600, DAY)
    later_s = MIDNIGHT_S + 3 * 86_400 + 600
    await Sealer(measurements, OLD, 60, 4).lottery(later_s, date(2026, 11, 25))
    (opened,) = await measurements.lottery_days([DAY])
    assert opened is not None
    assert opened.secret == day_secret(OLD, DAY)
