"""Everybody is started with what docs/architecture.md promises them, and with no more."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.node_key import load_or_create_key, node_id_of
from agent.settings import AgentSettings
from coordinator.adapters.settings import (
    ApiSettings,
    CollectorSettings,
    PayoutSettings,
    ProberSettings,
    Settings,
)
from coordinator.checking.checks import Control
from coordinator.keys import sha256_hex
from emulator import publisher
from emulator.cheats import false_claims as claims
from emulator.cloud_scheduler.cron import Schedule
from emulator.cloud_scheduler.jobs import Job
from emulator.demo import cast
from emulator.demo.cast import Member, Staging

HONEST = Member("node-1", "honest", 1109, 1117)
LOOP = Member("loop-1", "loop", 1123, 1129)
GOOD = Member("control-good", "control-good", 1151, 1153)
BAD = Member("control-bad", "control-bad", 1163, 1171)
PORTS = {
    "api": 1009,
    "collector": 1013,
    "prober": 1019,
    "payout": 1021,
    "ingest": 1031,
    "ingest-stats": 1033,
    "firestore": 1039,
    "scheduler": 1049,
}
SETTINGS: dict[str, type[Settings]] = {
    "api": ApiSettings,
    "collector": CollectorSettings,
    "prober": ProberSettings,
    "payout": PayoutSettings,
}


@pytest.fixture
def stage(tmp_path: Path) -> Staging:
    return Staging(
        tmp_path / "demo", Path("/tmp/restream-demo-test"), PORTS, (HONEST, LOOP, GOOD, BAD)
    )


@pytest.mark.parametrize("name", cast.FUNCTIONS)
def test_each_function_accepts_its_settings(stage: Staging, name: str) -> None:
    command = cast.function(stage, name)
    settings = SETTINGS[name].from_env(command.env)
    assert settings.sweep_seconds == 5
    assert settings.epoch_seconds == 60
    assert command.env["FIRESTORE_EMULATOR_HOST"] == "127.0.0.1:1039"
    assert command.argv[command.argv.index("--port") + 1] == str(PORTS[name])


@pytest.mark.parametrize("name", cast.FUNCTIONS)
def test_no_function_is_told_a_secret_of_another(stage: Staging, name: str) -> None:
    env = "\n".join(cast.function(stage, name).env.values())
    assert stage.keys.sponsor not in env
    assert stage.keys.ingest not in env
    assert (stage.keys.lottery in env) == (name == "prober")


def test_every_key_is_new_in_every_run(stage: Staging) -> None:
    other = Staging(stage.folder, stage.scratch, PORTS, ())
    assert stage.keys != other.keys


def test_agents_accept_their_settings(stage: Staging) -> None:
    ingest = AgentSettings.from_env(cast.ingest(stage).env)
    node = AgentSettings.from_env(cast.node(stage, HONEST, "k3v9m2x7q4ab").env)
    assert (ingest.role, ingest.rtmp_port, ingest.ingest_key) == ("ingest", 1031, stage.keys.ingest)
    assert (node.role, node.rtmp_port, node.stats_port) == ("node", 1109, 1117)
    assert node.bind_address == "127.0.0.1"
    assert node.stream_id == "k3v9m2x7q4ab"
    assert node.work_dir != ingest.work_dir


def test_a_cheat_is_its_own_program_in_a_nodes_place(stage: Staging) -> None:
    cheat = cast.node(stage, LOOP, "k3v9m2x7q4ab")
    assert cheat.argv[-1] == "emulator.cheats.loop"
    assert cheat.env["RTMP_PORT"] == "1123"
    assert cheat.env["COORDINATOR_URL"] == "http://127.0.0.1:1009"


def test_the_prober_knows_the_control_nodes_before_any_of_them_runs(stage: Staging) -> None:
    """Their keys are made with the cast, and each program finds its own."""
    settings = ProberSettings.from_env(cast.function(stage, "prober").env)
    assert settings.controls == {GOOD.node_id: Control.GOOD, BAD.node_id: Control.BAD}
    bad = cast.node(stage, BAD, "k3v9m2x7q4ab")
    assert bad.argv[-1] == "emulator.cheats.loop"
    assert node_id_of(claims.Setup.from_env(bad.env).key) == BAD.node_id
    cast.give_key(stage, GOOD)
    good = AgentSettings.from_env(cast.node(stage, GOOD, "k3v9m2x7q4ab").env)
    key, warnings = load_or_create_key(good.data_dir)
    assert (node_id_of(key), warnings) == (GOOD.node_id, [])


def test_the_streams_key_is_in_a_file_of_our_own_and_in_no_command_line(
    stage: Staging, tmp_path: Path
) -> None:
    stage = replace(stage, scratch=tmp_path)
    command = cast.publish("rtmp://h:1031/live/k3v9?key=s3cret", stage, None)
    assert command.argv[-1] == "rtmp://h:1031/live/k3v9"
    told = [*command.argv, *command.env.values()]
    assert not any("s3cret" in word for word in told)
    options = Path(command.argv[command.argv.index("-fpre") + 1])
    assert options.read_text() == "rtmp_playpath=k3v9?key=s3cret\n"
    assert options.stat().st_mode & 0o777 == 0o600


def test_the_scheduler_calls_the_three_functions_at_their_paces(stage: Staging) -> None:
    argv = cast.scheduler(stage).argv
    every_5_s = Schedule.parse("every 5 seconds")
    jobs = [Job.parse(argv[i + 1]) for i, word in enumerate(argv) if word == "--job"]
    assert [(job.id, job.url, job.schedule) for job in jobs] == [
        ("collector", "http://127.0.0.1:1013/?shard=0", every_5_s),
        ("prober", "http://127.0.0.1:1019/", every_5_s),
        ("payout", "http://127.0.0.1:1021/", every_5_s),
    ]


def test_api_and_payout_know_the_jobs_and_where_to_switch_them(stage: Staging) -> None:
    """All are shown; the payout's own is never paused."""
    settings = {
        "api": ApiSettings.from_env(cast.function(stage, "api").env),
        "payout": PayoutSettings.from_env(cast.function(stage, "payout").env),
    }
    parent = "projects/demo-restream/locations/local/jobs"
    for told in settings.values():
        assert told.scheduler_jobs == tuple(
            f"{parent}/{name}" for name in ("collector", "prober", "payout")
        )
        assert told.scheduler_switched == told.scheduler_jobs[:2]
        assert told.scheduler_emulator_host == "127.0.0.1:1049"
    argv = cast.scheduler(stage).argv
    assert argv[argv.index("--api") + 1] == "1049"


def test_nothing_of_the_users_own_environment_reaches_a_part(
    stage: Staging, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stage = replace(stage, scratch=tmp_path)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:3128")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "192.0.2.1:8080")
    commands = [
        cast.scheduler(stage),
        cast.ingest(stage),
        cast.publish("rtmp://h/a/b?key=c", stage, None),
    ]
    commands += [cast.function(stage, name) for name in cast.FUNCTIONS]
    for command in commands:
        assert "HTTP_PROXY" not in command.env
        assert command.env.get("FIRESTORE_EMULATOR_HOST") in (None, "127.0.0.1:1039")


def test_the_picture_differs_from_run_to_run_and_shows_a_clock_if_it_can() -> None:
    clock = publisher.argv("rtmp://h/live/s?key=k", 7, Path("/f/mono.ttf"))
    plain = publisher.argv("rtmp://h/live/s?key=k", 11, None)
    assert clock[-1] == "rtmp://h/live/s?key=k"
    assert "all_seed=7" in " ".join(clock)
    assert "all_seed=11" in " ".join(plain)
    assert "drawtext=fontfile=/f/mono.ttf" in " ".join(clock)
    assert "drawtext" not in " ".join(plain)


def test_the_sponsor_is_entered_by_the_hash_of_the_key_that_the_demo_tells(stage: Staging) -> None:
    """In the database that the functions read, by what `make sponsor` runs."""
    command = cast.sponsor(stage)
    assert command.argv[1:3] == ("-m", "tools.sponsor")
    assert command.argv[-1] == sha256_hex(stage.keys.sponsor)
    told = {**command.env, "argv": " ".join(command.argv)}
    assert stage.keys.sponsor not in "\n".join(told.values())
    api = cast.function(stage, "api").env
    for name in ("FIRESTORE_EMULATOR_HOST", "PYTHONPATH"):
        assert command.env[name] == api[name]
    assert api["GOOGLE_CLOUD_PROJECT"] in command.argv
