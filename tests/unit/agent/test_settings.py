"""Settings: every variable, its default, and one sentence for each mistake."""

import re
from pathlib import Path

import pytest

from agent.relay.engines import ENGINES
from agent.settings import RELAY_ENGINES, VARIABLES, AgentSettings, SettingsError, help_text

NODE = {"COORDINATOR_URL": "https://api.example.org/v1/", "STREAM_ID": "k3v9m2x7q4ab"}


def test_two_variables_are_enough_for_a_node() -> None:
    settings = AgentSettings.from_env(NODE)
    assert settings.coordinator_url == "https://api.example.org/v1"
    assert (settings.role, settings.relay_engine) == ("node", "restream")
    assert (settings.rtmp_port, settings.stats_port) == (1935, 8080)
    assert (settings.public_rtmp_port, settings.public_stats_port) == (1935, 8080)
    assert settings.bind_address == "0.0.0.0"
    assert (settings.data_dir, settings.work_dir) == (Path("/data"), None)
    assert settings.heartbeat_s is None
    assert (settings.drain_s, settings.coordinator_ca) == (5.0, None)
    assert settings.log_level == "INFO"
    assert settings.notify_urls == ()


def test_the_engines_that_can_be_chosen_are_those_that_there_are() -> None:
    """The first is the default; a new engine has to be named in the settings as well."""
    assert tuple(ENGINES) == RELAY_ENGINES


def test_announced_ports_follow_the_local_ones_unless_they_are_set() -> None:
    settings = AgentSettings.from_env({**NODE, "RTMP_PORT": "2003", "PUBLIC_STATS_PORT": "2011"})
    assert (settings.public_rtmp_port, settings.public_stats_port) == (2003, 2011)


def test_an_ingest_needs_a_key_and_no_stream() -> None:
    env = {"COORDINATOR_URL": "http://127.0.0.1:8080", "ROLE": "ingest"}
    with pytest.raises(SettingsError, match="INGEST_KEY is missing"):
        AgentSettings.from_env(env)
    assert AgentSettings.from_env({**env, "INGEST_KEY": "secret"}).stream_id == ""


def test_every_mistake_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as wrong:
        AgentSettings.from_env({"ROLE": "relay", "RTMP_PORT": "0", "LOG_LEVEL": "loud"})
    names = [sentence.split()[0] for sentence in wrong.value.sentences]
    assert names == ["ROLE", "RTMP_PORT", "COORDINATOR_URL", "LOG_LEVEL"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COORDINATOR_URL", "api.example.org"),
        ("COORDINATOR_URL", "ftp://api.example.org"),
        ("COORDINATOR_URL", "https://user:word@api.example.org"),
        ("COORDINATOR_URL", "https://api.example.org/?a=b"),
        ("COORDINATOR_URL", "https://api.example.org:99999"),
        ("COORDINATOR_URL", "https://[::1"),
        ("STREAM_ID", "a b"),
        ("STREAM_ID", "a;b"),
        ("STREAM_ID", "a" * 65),
        ("RELAY_ENGINE", "ffmpeg"),
        ("RTMP_PORT", "65536"),
        ("RTMP_PORT", "8080"),
        ("STATS_PORT", "-1"),
        ("STATS_PORT", "٨٠٨٠"),
        ("PUBLIC_RTMP_PORT", "1935/tcp"),
        ("PUBLIC_STATS_PORT", "0"),
        ("PUBLIC_STATS_URL", "203.0.113.7:8080"),
        ("BIND_ADDRESS", "localhost"),
        ("BIND_ADDRESS", "::"),
        ("WORK_DIR", "work"),
        ("WORK_DIR", '/srv/"quoted"'),
        ("WORK_DIR", "/" + "w" * 90),
        ("HEARTBEAT_SECONDS", "0.5"),
        ("HEARTBEAT_SECONDS", "601"),
        ("HEARTBEAT_SECONDS", "nan"),
        ("LOG_LEVEL", "info"),
        ("DRAIN_SECONDS", "-1"),
        ("UNPAID_SECONDS", "-1"),
        ("UNPAID_SECONDS", "604801"),
        ("DRAIN_SECONDS", "601"),
        ("COORDINATOR_URL", "http://999.1.1.1"),
        ("COORDINATOR_URL", "https://xn--.example.org"),
        ("COORDINATOR_CA", "/no/such/file"),
        ("COORDINATOR_CA", "/"),
        ("COORDINATOR_CA", __file__),
        ("NOTIFY_URLS", "ntfy.sh/topic"),
        ("NOTIFY_URLS", "json://a ntfy"),
        ("NOTIFY_URLS", " ".join(["json://a"] * 9)),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        AgentSettings.from_env({**NODE, name: value})
    assert [name in sentence for sentence in wrong.value.sentences] == [True]


def test_a_wrong_secret_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as wrong:
        AgentSettings.from_env({**NODE, "ROLE": "ingest", "INGEST_KEY": "hush hush"})
    assert "hush" not in str(wrong.value)
    with pytest.raises(SettingsError) as wrong:
        AgentSettings.from_env({**NODE, "NOTIFY_URLS": "json://a, hush://b\n//hush"})
    assert "hush" not in str(wrong.value)
    assert "address 2 of 2" in str(wrong.value)


def test_addresses_of_the_operator_stand_between_spaces_or_commas_and_are_not_shown() -> None:
    """An address may hold commas itself."""
    settings = AgentSettings.from_env(
        {**NODE, "NOTIFY_URLS": " json://a/x,ntfy://b, mailto://c?to=d,e "}
    )
    assert settings.notify_urls == ("json://a/x", "ntfy://b", "mailto://c?to=d,e")
    assert "ntfy" not in repr(settings)


def test_help_explains_every_variable_that_is_read() -> None:
    read: set[str] = set()

    class Recorder(dict[str, str]):
        """Asked for a name that it lacks; nothing else looks at an environment."""

        def get(self, name: str, default: str = "") -> str:  # type: ignore[override]  # as asked
            read.add(name)
            return default

    with pytest.raises(SettingsError):
        AgentSettings.from_env(Recorder())
    assert read == {variable.name for variable in VARIABLES}
    assert all(re.search(rf"^  {v.name} ", help_text(), re.M) for v in VARIABLES)
