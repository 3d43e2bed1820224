"""Settings are dated: an epoch goes by what was published before it began."""

from dataclasses import replace

import pytest

from coordinator.epochs import Calendar
from coordinator.ledger.published_settings import (
    LengthsChangedError,
    PublishedSettings,
    following,
    in_force,
)
from tests.builders import a_stream

CALENDAR = Calendar(grace_seconds=130)
FIRST = PublishedSettings.of(CALENDAR, holding_epochs=5, network_percent=11, checks_per_hour=7)


def _at(number: int, since_s: float, **changed: int) -> PublishedSettings:
    return replace(FIRST, number=number, since_s=since_s, **changed)


@pytest.mark.parametrize(
    ("epoch", "number"), [(0, 1), (9, 1), (10, 1), (11, 2), (12, 2), (13, 3), (99, 3)]
)
def test_an_epoch_goes_by_the_last_that_was_there_when_it_began(epoch: int, number: int) -> None:
    """The one in which it changes goes on as it began; what is before the first has the first."""
    history = [_at(1, 36_000.0), _at(2, 36_001.0), _at(3, 46_800.0)]
    assert in_force(history, epoch).number == number


def test_an_entry_follows_only_a_change() -> None:
    """It is numbered and dated, and never before the one that it follows."""
    first = following([], FIRST, 7.5)
    assert first == _at(1, 7.5)
    assert following([_at(1, 7.5)], FIRST, 11.0) is None
    changed = replace(FIRST, holding_epochs=13)
    assert following([_at(1, 7.5)], changed, 11.0) == _at(2, 11.0, holding_epochs=13)
    assert following([_at(1, 7.5)], changed, 3.0) == _at(2, 7.5, holding_epochs=13)
    assert following([_at(1, 7.5)], replace(FIRST, rules=FIRST.rules + 1), 11.0) is not None


@pytest.mark.parametrize("name", ["sweep_seconds", "check_seconds", "epoch_seconds"])
def test_lengths_that_number_documents_stay(name: str) -> None:
    with pytest.raises(LengthsChangedError, match="set them so again"):
        following([_at(1, 7.5)], replace(FIRST, **{name: 1200}), 11.0)


def test_terms_are_the_streams_and_the_settings() -> None:
    """Each from where it belongs."""
    stream = a_stream(reward_micros_per_hour=17, max_paid_nodes=3)
    terms = FIRST.terms(stream)
    assert (terms.rate_micros_per_hour, terms.max_paid_nodes) == (17, 3)
    assert (terms.minute_seconds, terms.holding_epochs, terms.network_percent) == (60, 5, 11)
    assert FIRST.calendar == CALENDAR
