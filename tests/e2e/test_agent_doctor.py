"""`doctor`: whatever is wrong, it ends in one sentence that says what to do, and a code by kind."""

import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.agents import AgentProcess, WrongClock, ingest_in
from tests.e2e.certificates import certificate, served_with
from tests.e2e.coordinator_stand_in import STREAM_ID, CoordinatorStandIn
from tests.e2e.ffmpeg import publisher
from tests.e2e.watched import HOST, is_listening, running
from tests.ports import free_port

OPEN = {"open": True, "says": "It answers."}
CLOSED = {"open": False, "says": "Nothing accepts connections."}
ADDRESS = "203.0.113.7"


class Practice:
    """An ingest with its coordinator, and patients."""

    def __init__(self, coordinator: CoordinatorStandIn, ingest: AgentProcess, folder: Path) -> None:
        self.coordinator = coordinator
        self.ingest = ingest
        self.folder = folder

    def examine(self, **settings: str) -> tuple[int, str]:
        """The exit code and all that the doctor printed."""
        own = {"STREAM_ID": STREAM_ID, **settings}
        doctor = AgentProcess(self.folder / "data", self.coordinator.url, "doctor", **own)
        with running(doctor):
            return doctor.wait(40), doctor.output


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    """The ingest runs for the whole module: starting one is not what is tested."""
    folder = tmp_path_factory.mktemp("practice")
    with ingest_in(folder) as (coordinator, ingest):
        yield Practice(coordinator, ingest, folder)


def test_a_node_that_can_serve_is_told_so_without_being_announced(practice: Practice) -> None:
    """It plays the stream itself, through a relay that runs for the examination only."""
    practice.coordinator.dial_back = {"address": ADDRESS, "stats": OPEN, "rtmp": OPEN}
    with running(publisher(practice.ingest.rtmp_port)):
        practice.ingest.wait_state("live")
        code, said = practice.examine()
    lines = {line.split()[1]: line.split()[0] for line in said.splitlines()[:-1]}
    assert code == 0, said
    assert said.splitlines()[-1] == "All is well: this node can serve the stream."
    assert lines == dict.fromkeys(
        (
            *("coordinator", "clock", "stream", "ports", "relay", "ingest", "playback"),
            *("carrier", "outside", "version", "upload"),
        ),
        "ok",
    ), said
    assert not practice.coordinator.beats()


def test_without_a_publisher_and_a_dial_back_the_rest_is_still_examined(
    practice: Practice,
) -> None:
    """What could not be looked at is unknown, and nobody's fault."""
    practice.coordinator.dial_back = None
    practice.ingest.wait_state("waiting")
    code, said = practice.examine()
    assert code == 0, said
    assert "unknown  playback" in said
    assert "This coordinator offers no dial-back." in said


def _with_port_taken(examine: Callable[..., tuple[int, str]]) -> tuple[int, str]:
    with socket.create_server((HOST, 0)) as taken:
        return examine(RTMP_PORT=str(taken.getsockname()[1]))


Case = tuple[dict[str, Any], dict[str, str], int, str]
"""What the coordinator is made to do, settings of the node, the code and the fix."""

CASES: dict[str, Case] = {
    "coordinator away": ({"behaviour": "broken"}, {}, 10, "Check that COORDINATOR_URL is right"),
    "unknown stream": ({}, {"STREAM_ID": "nosuchstream"}, 12, "Set STREAM_ID to the id"),
    "closed stream": ({"stream_status": "closed"}, {}, 12, "Choose another stream"),
    "engine missing": ({}, {"RELAY_ENGINE": "rtmp_relay"}, 15, "--build-arg RELAY_ENGINE"),
    "ingest away": (
        {"ingest_url": f"rtmp://{HOST}:1/live/{STREAM_ID}"},
        {},
        16,
        f"connect to {HOST}, TCP port 1.",
    ),
    "carrier's NAT": (
        {"dial_back": {"address": "100.64.3.5", "stats": CLOSED, "rtmp": CLOSED}},
        {},
        18,
        "public IPv4 address of your own",
    ),
    "port not forwarded": (
        {"dial_back": {"address": ADDRESS, "stats": OPEN, "rtmp": CLOSED}},
        {"PUBLIC_RTMP_PORT": "2003"},
        19,
        "forward TCP 2003 (which",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_wrong_ends_in_its_code_and_one_fix(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    """The first problem decides, because others may follow from it."""
    outer, settings, code, fix = case
    for name, value in outer.items():
        monkeypatch.setattr(practice.coordinator, name, value)
    found, said = practice.examine(**settings)
    last = said.splitlines()[-1]
    assert found == code, said
    assert last.startswith("Fix: ")
    assert fix in last, said


@pytest.mark.parametrize(("off_s", "way"), [(3600, "ahead"), (-3600, "behind")])
def test_a_clock_that_is_off_by_an_hour_is_to_be_set(
    practice: Practice, tmp_path: Path, off_s: int, way: str
) -> None:
    """This machine's own, as it is: the coordinator's is right."""
    clock = WrongClock(tmp_path / "clock", off_s)
    code, said = practice.examine(**clock.settings)
    assert code == 11, said
    assert re.search(rf"^PROBLEM  clock +This machine's clock is 3[56]\d\d s {way}\.$", said, re.M)
    assert said.splitlines()[-1].endswith("sudo timedatectl set-ntp true")


def test_a_taken_port_is_named(practice: Practice) -> None:
    """Before anything is started on it."""
    code, said = _with_port_taken(practice.examine)
    assert code == 14, said
    assert "set RTMP_PORT to a free one" in said.splitlines()[-1]


def test_a_damaged_key_is_said_by_the_doctor_too(practice: Practice, tmp_path: Path) -> None:
    """And with its own code."""
    (tmp_path / "node.key").write_text("short")
    code, said = practice.examine(DATA_DIR=str(tmp_path))
    assert code == 13
    assert "restore it from a copy, or delete it" in said


def test_a_running_node_is_examined_as_it_runs(practice: Practice) -> None:
    """With the same settings and key, as `docker exec` has them."""
    ports = {"RTMP_PORT": str(free_port()), "STATS_PORT": str(free_port())}
    data = practice.folder / "data"
    node = AgentProcess(data, practice.coordinator.url, STREAM_ID=STREAM_ID, **ports)
    with running(node):
        node.wait_until("node up", lambda: node.get("/healthz")[0] == 200)
        code, said = practice.examine(**ports)
        assert code == 0, said
        assert "examined as it runs" in said
        assert node.stats()["relay"]["restarts"] == 0


def test_a_certificate_of_the_future_is_a_matter_of_the_clock(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it looks to a machine whose clock is far behind: nothing can be asked at all."""
    file = certificate(tmp_path, begins=datetime.now(UTC) + timedelta(days=1))
    stand_in = CoordinatorStandIn(practice.coordinator.ingest_url)
    stand_in.tls = served_with(file)
    stand_in.start()
    monkeypatch.setattr(practice, "coordinator", stand_in)
    try:
        code, said = practice.examine(COORDINATOR_CA=str(file))
    finally:
        stand_in.stop()
    assert code == 10, said
    assert "Fix: Set the clock of this machine" in said.splitlines()[-1]


def _examined(node: AgentProcess) -> tuple[list[str], str]:
    """What a node looked at by itself, in order, and what it says in the end."""
    over = node.wait_until("the end of the first look", lambda: node.events("examination_over"))
    return [event["about"] for event in node.events("examined")], over[0]["says"]


def test_at_its_first_start_a_node_examines_itself_and_no_more(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ports before and after, the stream as a viewer has it, and from outside."""
    found = {"address": ADDRESS, "stats": OPEN, "rtmp": OPEN}
    monkeypatch.setattr(practice.coordinator, "dial_back", found)
    url = practice.coordinator.url
    with running(publisher(practice.ingest.rtmp_port)):
        practice.ingest.wait_state("live")
        assert practice.examine(DATA_DIR=str(tmp_path))[0] == 0  # the doctor takes nothing from it
        with running(AgentProcess(tmp_path, url, STREAM_ID=STREAM_ID)) as node:
            looked_at, says = _examined(node)
            assert not [event for event in node.events("examined") if event["fix"]]
    assert looked_at == [
        *("ports", "coordinator", "clock", "stream", "relay", "ports"),
        *("ingest", "playback", "carrier", "outside", "version"),
    ]
    assert says == "All is well: this node can serve the stream."
    with running(AgentProcess(tmp_path, url, STREAM_ID=STREAM_ID)) as node:
        node.wait_until("node up", lambda: node.get("/healthz")[0] == 200)
        node.process.terminate()
        node.wait()
        assert not node.events("examined")


def test_the_first_look_ends_in_one_exact_fix(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several problems the first: here a taken port comes before one that is not forwarded."""
    found = {"address": ADDRESS, "stats": CLOSED, "rtmp": OPEN}
    monkeypatch.setattr(practice.coordinator, "dial_back", found)
    url = practice.coordinator.url
    with running(AgentProcess(tmp_path / "closed", url, STREAM_ID=STREAM_ID)) as node:
        looked_at, says = _examined(node)
        assert looked_at[-2:] == ["outside", "version"]
        assert says.startswith("Fix: In your router, forward TCP")
    with socket.create_server((HOST, 0)) as taken:
        port = str(taken.getsockname()[1])
        settings = {"STREAM_ID": STREAM_ID, "RTMP_PORT": port}
        with running(AgentProcess(tmp_path / "taken", url, **settings)) as node:
            looked_at, says = _examined(node)
    assert looked_at[-1] == "relay"
    assert says.startswith("Fix: Stop what uses the port, or set RTMP_PORT to a free one")


def test_at_its_first_start_a_coordinator_that_is_away_is_said(tmp_path: Path) -> None:
    """And nothing that could only follow from it; whoever repairs that is told the rest then."""
    for _ in range(2):
        with running(AgentProcess(tmp_path, f"http://{HOST}:1", STREAM_ID=STREAM_ID)) as node:
            looked_at, says = _examined(node)
        assert looked_at == ["ports", "coordinator"]
        assert says.startswith("Fix: Check that COORDINATOR_URL is right")


def test_a_doctor_whose_reader_has_seen_enough_takes_its_relay_along(practice: Practice) -> None:
    """`doctor | head`: no trace, no verdict, and nothing runs on."""
    practice.coordinator.dial_back = None
    reader = '"$@" | grep --max-count=1 "  relay  "; exit ${PIPESTATUS[0]}'
    doctor = AgentProcess(
        practice.folder / "read",
        practice.coordinator.url,
        "doctor",
        wrapper=("bash", "-c", reader, "bash"),
        STREAM_ID=STREAM_ID,
    )
    with running(doctor):
        assert doctor.wait(40) == 141, doctor.output
        assert len(doctor.output.splitlines()) == 1, doctor.output
        doctor.wait_until("its relay's end", lambda: not is_listening(doctor.rtmp_port))
