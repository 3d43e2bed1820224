"""When a node's turn at its address is over, and when it begins again."""

import pytest

from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.kept_words import AWAY_MINUTES_MAX, KeptWord, Spell

START_S = 7200.0
EPOCH = EpochMinutes(7200, 10_800, 60)


def _at(minute: float) -> float:
    return START_S + 60 * minute


def _minutes(first: int, last: int) -> int:
    return (1 << last + 1) - (1 << first)


def test_a_failed_check_ends_it_and_a_passed_one_begins_it() -> None:
    word = KeptWord(300.0)
    word.failed(_at(7))
    word.failed(_at(11))
    word.passed(_at(13))
    word.passed(_at(17))
    assert word.spells() == (Spell(300.0, _at(7), failed=True), Spell(_at(13)))
    assert word.passes_s == [_at(13), _at(17)]


def test_a_first_connection_that_is_turned_away_costs_the_turn_until_a_check_passes() -> None:
    word = KeptWord(300.0)
    word.faltered(_at(7))
    word.faltered(_at(11))
    assert word.spells() == (Spell(300.0, _at(7)), Spell(_at(7), is_loose=True))
    word.passed(_at(13))
    lost = Spell(_at(7), _at(13), is_loose=True)
    assert word.spells() == (Spell(300.0, _at(7)), lost, Spell(_at(13)))


def test_who_has_no_turn_loses_none() -> None:
    """Before its first passed check, and after a failed one."""
    word = KeptWord(None)
    word.faltered(_at(7))
    word.was_there(_minutes(0, 59), EPOCH, _at(59))
    assert word.spells() == ()


@pytest.mark.parametrize("away", [0, _minutes(20, 24), 0b1010101001 << 30, _minutes(55, 90)])
def test_who_is_back_within_some_minutes_keeps_its_turn(away: int) -> None:
    """What comes after the epoch is the next one's."""
    assert (away & _minutes(0, 59)).bit_count() <= AWAY_MINUTES_MAX
    word = KeptWord(300.0)
    word.was_there(away, EPOCH, EPOCH.ends_s)
    assert word.spells() == (Spell(300.0),)


def test_one_minute_more_costs_it() -> None:
    """With the sixth, wherever they lie in the epoch; it is over once."""
    word = KeptWord(300.0)
    away = _minutes(3, 4) | _minutes(20, 22) | _minutes(41, 50)
    word.was_there(away, EPOCH, _at(40.5))
    assert word.spells() == (Spell(300.0),)
    word.was_there(away, EPOCH, _at(55))
    lost = (Spell(300.0, _at(41)), Spell(_at(41), is_loose=True))
    assert word.spells() == lost
    word.was_there(away, EPOCH, EPOCH.ends_s)
    assert word.spells() == lost


def test_minutes_before_it_began_do_not_count() -> None:
    """Whoever comes in the middle of an epoch was away before it."""
    word = KeptWord(None)
    word.passed(_at(30.5))
    word.was_there(_minutes(0, 30) | _minutes(40, 44), EPOCH, EPOCH.ends_s)
    assert word.spells() == (Spell(_at(30.5)),)
