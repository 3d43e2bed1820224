"""Wrong settings end a function at once, with a sentence for each of them."""

import pytest

from coordinator.adapters.settings import ApiSettings, PayoutSettings, ProberSettings, SettingsError
from coordinator.keys import sha256_hex

GOOD = {
    "GOOGLE_CLOUD_PROJECT": "tests",
    "INGEST_URL": "rtmp://ingest.example:1935/live",
    "LOTTERY_KEY": "k" * 32,
    "INGEST_KEY_HASH": "0" * 64,
}
BARE = {name: GOOD[name] for name in ("GOOGLE_CLOUD_PROJECT", "INGEST_URL")}
"""All that an api must know, but for its ingest."""


def test_defaults_are_the_designs() -> None:
    """A minute, four checks an hour, an hour, a day of holding."""
    prober = ProberSettings.from_env(GOOD)
    assert (prober.sweep_seconds, prober.checks_per_hour, prober.epoch_seconds) == (60, 4, 3600)
    assert PayoutSettings.from_env(GOOD).holding_epochs == 24
    assert not prober.allow_private_addresses


def test_every_wrong_variable_is_named() -> None:
    """All at once, so that nobody repairs them one start at a time."""
    with pytest.raises(SettingsError) as error:
        ProberSettings.from_env({"LOTTERY_KEY": "short", "SWEEP_SECONDS": "soon"})
    text = str(error.value)
    for name in ("GOOGLE_CLOUD_PROJECT: is not set", "INGEST_URL", "LOTTERY_KEY", "SWEEP_SECONDS"):
        assert name in text


def test_a_secret_is_not_printed_when_it_is_wrong() -> None:
    """Error messages end up in logs."""
    with pytest.raises(SettingsError) as error:
        ProberSettings.from_env({**GOOD, "LOTTERY_KEY": "hunter2"})
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        {"INGEST_URL": "http://ingest.example/live"},
        {"INGEST_URL": "rtmp://ingest.example/live key=val"},
        {"SWEEP_SECONDS": "7"},
        {"SWEEP_SECONDS": "0"},
        {"CHECKS_PER_HOUR": "-1"},
        {"CHECKS_PER_HOUR": "61"},
        {"LOG_LEVEL": "LOUD"},
        {"ALLOW_PRIVATE_ADDRESSES": "perhaps"},
    ],
)
def test_a_wrong_value_is_refused(change: dict[str, str]) -> None:
    """Each with its name."""
    with pytest.raises(SettingsError) as error:
        ProberSettings.from_env({**GOOD, **change})
    assert next(iter(change)) in str(error.value)


def test_the_ingest_is_known_by_its_key_or_by_the_hash() -> None:
    """Whichever is there: both come to the same."""
    key = "k" * 43
    by_key = ApiSettings.from_env({**BARE, "INGEST_KEY": key})
    by_hash = ApiSettings.from_env({**BARE, "INGEST_KEY_HASH": sha256_hex(key)})
    assert by_key.ingest_key_sha256 == by_hash.ingest_key_sha256 == sha256_hex(key)
    assert key not in repr(by_key)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"INGEST_KEY": "", "INGEST_KEY_HASH": ""},
        {"INGEST_KEY": "k" * 43, "INGEST_KEY_HASH": "0" * 64},
        {"INGEST_KEY": "too-short"},
        {"INGEST_KEY": "with a space in it, and long"},
        {"INGEST_KEY_HASH": "k" * 43},
    ],
)
def test_an_ingest_that_is_known_in_no_way_or_in_two_is_refused(more: dict[str, str]) -> None:
    """Without what was set: it may be the key."""
    with pytest.raises(SettingsError, match="INGEST_KEY") as error:
        ApiSettings.from_env({**BARE, **more})
    assert not [value for value in more.values() if value and value in str(error.value)]
