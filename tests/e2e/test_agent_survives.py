"""What a node must survive, with real processes: what test_agent.py has not struck it with yet."""

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.player import Played, play
from rtmp.addresses import RtmpAddress
from tests.e2e.agents import AgentProcess, WrongClock, examined, read_only
from tests.e2e.certificates import certificate, served_with
from tests.e2e.coordinator_stand_in import INGEST_KEY, STREAM_ID, CoordinatorStandIn
from tests.e2e.ffmpeg import player, probe, publisher
from tests.e2e.watched import AGENT_PATH, HOST, running
from tests.ports import free_port

VIEWERS = 200
FLOOD = 4_500
FLOOD_AGAIN_S = 6.0
"""The relay throws out who asks for nothing after ten seconds."""
WATCH_S = 5.0


@pytest.fixture
def coordinator(tmp_path: Path) -> Iterator[CoordinatorStandIn]:
    """With an ingest behind it; over TLS, with a certificate of its own authority."""
    port = free_port()
    stand_in = CoordinatorStandIn(f"rtmp://{HOST}:{port}/live/{STREAM_ID}")
    stand_in.tls = served_with(certificate(tmp_path / "right"))
    stand_in.start()
    settings = {"ROLE": "ingest", "INGEST_KEY": INGEST_KEY, "RTMP_PORT": str(port)}
    with ExitStack() as stack:
        stack.callback(stand_in.stop)
        agent = AgentProcess(
            tmp_path / "ingest", stand_in.url, COORDINATOR_CA=authority(tmp_path), **settings
        )
        ingest = stack.enter_context(running(agent))
        ingest.wait_until("ingest up", lambda: ingest.get("/healthz")[0] == 200)
        stack.enter_context(running(publisher(port)))
        ingest.wait_state("live")
        yield stand_in


def authority(folder: Path) -> str:
    """What makes a node trust the coordinator."""
    return str(folder / "right" / "certificate.pem")


def node_of(
    coordinator: CoordinatorStandIn, folder: Path, wrapper: Sequence[str] = (), **settings: str
) -> AgentProcess:
    """A node that trusts the coordinator, unless told otherwise."""
    own = {"STREAM_ID": STREAM_ID, "COORDINATOR_CA": authority(folder), **settings}
    return AgentProcess(folder / "node", coordinator.url, wrapper=wrapper, **own)


def test_another_certificate_is_refused_and_the_relay_goes_on(
    coordinator: CoordinatorStandIn, tmp_path: Path
) -> None:
    """The key is not shown to it, and the node is back when the right one is."""
    right = coordinator.tls
    with running(node_of(coordinator, tmp_path)) as node:
        node.wait_state("live")
        node.wait_until("a heartbeat", coordinator.beats)
        coordinator.stop()
        coordinator.tls = served_with(certificate(tmp_path / "wrong"))
        coordinator.start()
        heard = len(coordinator.calls)
        node.wait_until(
            "the refusal in the log",
            lambda: any("CERTIFICATE" in e["reason"] for e in node.events("coordinator_trouble")),
        )
        assert len(coordinator.calls) == heard
        assert probe(node.rtmp_port)["h264"]
        coordinator.stop()
        coordinator.tls = right
        coordinator.start()
        node.wait_until("its return", lambda: node.events("coordinator_back"))
        assert node.stats()["relay"]["restarts"] == 0


@pytest.mark.parametrize("off_s", [3600, -3600])
def test_a_clock_that_is_off_by_an_hour_changes_nothing(
    coordinator: CoordinatorStandIn, tmp_path: Path, off_s: int
) -> None:
    """The node's own and its relay's, from the start, and when it is put off by two hours more."""
    clock = WrongClock(tmp_path / "clock", off_s)
    with running(node_of(coordinator, tmp_path, **clock.settings)) as node:
        assert _hours_off(node.wait_state("live")) == off_s / 3600
        environ = Path(f"/proc/{node.relay_pid()}/environ").read_text()
        assert "libfaketime" in environ
        clock.put_off(-off_s)
        node.wait_until("the other clock", lambda: _hours_off(node.stats()) == -off_s / 3600)
        heard = len(coordinator.beats())
        node.wait_until("heartbeats", lambda: len(coordinator.beats()) >= heard + 3)
        assert probe(node.rtmp_port)["h264"]
        assert node.stats()["relay"]["restarts"] == 0


def _hours_off(stats: dict[str, Any]) -> int:
    """By how many hours, rounded, the node's statistics are ahead."""
    theirs = datetime.fromisoformat(stats["generated_at"])
    return round((theirs - datetime.now(UTC)).total_seconds() / 3600)


def test_a_full_disk_is_said_and_over_when_there_is_room(
    coordinator: CoordinatorStandIn, tmp_path: Path
) -> None:
    """A process that may write no byte to a file stands for a full disk, also for the log."""
    with running(node_of(coordinator, tmp_path)) as node:
        node.wait_state("live")
        pid = node.process.pid
        unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, unlimited[1]))
        os.kill(node.relay_pid(), signal.SIGKILL)
        node.wait_until(
            "a word about the disk",
            lambda: "Look at the disk" in node.get("/healthz")[1].get("reason", ""),
        )
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
        node.wait_state("live")
        assert probe(node.rtmp_port)["h264"]


def test_a_first_start_on_a_full_disk_leaves_no_half_key(tmp_path: Path) -> None:
    """It ends with a sentence, and the next start makes the key."""
    env = {"COORDINATOR_URL": f"http://{HOST}:1", "STREAM_ID": STREAM_ID}
    env |= {"PATH": os.environ["PATH"], "PYTHONPATH": AGENT_PATH}
    agent = [sys.executable, "-m", "agent"]
    full = subprocess.run(
        ["prlimit", "--fsize=0", *agent],
        env={**env, "DATA_DIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert full.returncode == 1, full.stderr
    assert "node.key cannot be used (File too large): make room on this disk" in full.stderr
    assert not list(tmp_path.iterdir())


def test_a_node_goes_on_as_itself_with_a_folder_that_became_read_only(
    coordinator: CoordinatorStandIn, tmp_path: Path
) -> None:
    """Its key is there already: it needs to write nothing more."""
    with running(node_of(coordinator, tmp_path)) as node:
        before = node.wait_state("live")["node_id"]
        node.process.kill()
        node.wait()
    kept = read_only(tmp_path / "node")
    with running(node_of(coordinator, tmp_path, wrapper=kept)) as node:
        assert node.wait_state("live")["node_id"] == before
        folder = f"/proc/{node.process.pid}/root{tmp_path}/node"
        with pytest.raises(OSError, match="Read-only file system"):
            Path(folder, "probe").touch()
        assert probe(node.rtmp_port)["h264"]


def test_a_first_start_in_a_read_only_folder_ends_in_a_sentence(tmp_path: Path) -> None:
    """Nothing is invented in the key's place, and the doctor says the same."""
    (tmp_path / "data").mkdir()
    for command, code in (((), 1), (("doctor",), 13)):
        agent = AgentProcess(
            tmp_path / "data",
            f"http://{HOST}:1",
            *command,
            wrapper=read_only(tmp_path / "data"),
            STREAM_ID=STREAM_ID,
        )
        with running(agent):
            assert agent.wait() == code, agent.output
            assert "node.key cannot be used (Read-only file system)" in agent.output
            assert "a volume at /data" in agent.output


def test_two_hundred_viewers_are_served_and_counted(
    coordinator: CoordinatorStandIn, tmp_path: Path
) -> None:
    """Each gets pictures and sound."""

    async def watch(port: int) -> list[Played]:
        url = RtmpAddress(HOST, port, "live", STREAM_ID)
        watching = [play(url, WATCH_S, 20.0) for _ in range(VIEWERS)]
        return await asyncio.gather(*watching)

    with running(node_of(coordinator, tmp_path)) as node:
        node.wait_state("live")
        seen = asyncio.run(watch(node.rtmp_port))
        assert min(played.video for played in seen) >= 15
        assert min(played.audio for played in seen) >= 15
        assert node.stats()["relay"]["restarts"] == 0
        node.wait_until("no viewers", lambda: node.stats()["stream"]["viewers"] == 0)


class Flood:
    """Connections from other addresses of this machine, which ask for nothing."""

    def __init__(self, port: int, addresses: int, stack: ExitStack) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._port, self._addresses, self._stack = port, addresses, stack
        self._again_s = 0.0

    def go_on(self) -> None:
        """Connect once more where the relay has thrown them out by now."""
        if time.monotonic() < self._again_s:
            return
        self._again_s = time.monotonic() + FLOOD_AGAIN_S
        for number in range(FLOOD):
            place = (f"127.0.{1 + number % self._addresses}.1", 0)
            self._stack.enter_context(
                socket.create_connection((HOST, self._port), 5.0, source_address=place)
            )


@pytest.mark.of_restream
def test_one_address_that_floods_the_port_keeps_nobody_out(
    coordinator: CoordinatorStandIn, tmp_path: Path
) -> None:
    """It gets half of all places, and no more; idle connections end after some seconds."""
    with running(node_of(coordinator, tmp_path)) as node, ExitStack() as stack:
        node.wait_state("live")
        Flood(node.rtmp_port, 1, stack).go_on()
        assert int(probe(node.rtmp_port)["h264"]["nb_read_packets"]) >= 15
        relay = node.stats()["relay"]
        assert (relay["state"], relay["restarts"]) == ("running", 0)
        node.wait_until("the refusal", lambda: node.stats()["relay"]["refused"])


@pytest.mark.of_restream
def test_a_node_whose_port_is_flooded_by_many_says_so_and_recovers(
    coordinator: CoordinatorStandIn, tmp_path: Path
) -> None:
    """Who watched before goes on watching, and when the flood is over others get in again."""
    examined(tmp_path / "node")
    with running(node_of(coordinator, tmp_path)) as node, ExitStack() as stack:
        node.wait_state("live")
        watching = stack.enter_context(running(player(node.rtmp_port)))
        node.wait_until("a viewer", lambda: node.stats()["stream"]["viewers"] == 1)
        with ExitStack() as crowd:
            flood = Flood(node.rtmp_port, 100, crowd)

            def is_overrun() -> bool:
                flood.go_on()
                return bool(node.stats()["relay"]["state"] == "overrun")

            node.wait_until("overrun", is_overrun, 45.0)
            assert node.stats()["stream"]["state"] == "live"
        assert int(probe(node.rtmp_port)["h264"]["nb_read_packets"]) >= 15
        assert watching.process.poll() is None
        assert node.stats()["relay"]["restarts"] == 0
