"""`doctor`: whatever is wrong, it ends in one sentence that says what to do, and a code by kind."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.agent_stand_ins import (
    HOST,
    INGEST_KEY,
    STREAM_ID,
    AgentProcess,
    CoordinatorStandIn,
    free_port,
    publisher,
    running,
)

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
    port = free_port()
    coordinator = CoordinatorStandIn(f"rtmp://{HOST}:{port}/live/{STREAM_ID}")
    coordinator.start()
    folder = tmp_path_factory.mktemp("practice")
    settings = {"ROLE": "ingest", "INGEST_KEY": INGEST_KEY, "RTMP_PORT": str(port)}
    with ExitStack() as stack:
        stack.callback(coordinator.stop)
        agent = AgentProcess(folder / "ingest", coordinator.url, **settings)
        ingest = stack.enter_context(running(agent))
        ingest.wait_until("ingest up", lambda: ingest.get("/healthz")[0] == 200)
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
            *("carrier", "outside", "upload"),
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
    "coordinator away": ({"mood": "broken"}, {}, 10, "Check that COORDINATOR_URL is right"),
    "clock off by an hour": ({"clock_off_s": 3600.0}, {}, 11, "timedatectl set-ntp true"),
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
        "forward TCP 2003 to port",
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


def test_at_its_first_start_a_node_looks_outside_by_itself(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And logs what to forward; at the second start it does not ask again."""
    found = {"address": ADDRESS, "stats": CLOSED, "rtmp": OPEN}
    monkeypatch.setattr(practice.coordinator, "dial_back", found)
    url = practice.coordinator.url
    with running(AgentProcess(tmp_path, url, STREAM_ID=STREAM_ID)) as node:
        told = node.wait_until(
            "advice", lambda: [e for e in node.events("examined") if e["about"] == "outside"]
        )
        assert "forward TCP" in told[0]["fix"]
    with running(AgentProcess(tmp_path, url, STREAM_ID=STREAM_ID)) as node:
        node.wait_until("node up", lambda: node.get("/healthz")[0] == 200)
        node.process.terminate()
        node.wait()
        assert not node.events("examined")
