"""Wrong settings end a function at once, with a sentence for each of them."""

import pytest

from coordinator.adapters.settings import PayoutSettings, ProberSettings, SettingsError

GOOD = {
    "GOOGLE_CLOUD_PROJECT": "tests",
    "INGEST_URL": "rtmp://ingest.example:1935/live",
    "LOTTERY_KEY": "k" * 32,
    "INGEST_KEY_HASH": "0" * 64,
}


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
