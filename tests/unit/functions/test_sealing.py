"""Days are sealed in advance and opened afterwards, whatever happens to the key."""

from datetime import date

from coordinator.adapters.memory import MemoryStore
from coordinator.adapters.records import Measurements
from coordinator.schedule import commitment, day_secret
from prober.sealing import Sealer

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
