"""The agent with real relays, real media and a real HTTP coordinator, on loopback."""

import asyncio
import hashlib
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.client.coordinator import (
    CoordinatorAwayError,
    CoordinatorClient,
    CoordinatorRefusalError,
)
from agent.client.signing import SignedBy
from tests.e2e.agents import ENGINE, AgentProcess, examined, ingest_in
from tests.e2e.coordinator_stand_in import STREAM_ID, CoordinatorStandIn
from tests.e2e.ffmpeg import player, probe, publisher
from tests.e2e.watched import HOST, WAIT_S_MAX, is_listening, running, wait_for
from tests.ports import free_port
from tests.signing import key_of

RECORDED = json.loads((Path(__file__).parents[1] / "log_lines.json").read_text())
RESIDENT_KB_MAX = 60_000
LONG_S = 600.0
"""What nobody may wait for."""


@dataclass
class Network:
    """An ingest with its coordinator."""

    coordinator: CoordinatorStandIn
    ingest: AgentProcess

    def node(self, folder: Path, **settings: str) -> AgentProcess:
        """A node agent of this network, started."""
        return AgentProcess(
            folder / "data", self.coordinator.url, **{"STREAM_ID": STREAM_ID, **settings}
        )


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """The ingest runs for the whole module: starting one is not what is tested."""
    # A name and not an address, so that it has to be resolved.
    with ingest_in(tmp_path_factory.mktemp("network"), "localhost") as (coordinator, ingest):
        yield Network(coordinator, ingest)


@pytest.fixture
def live(network: Network) -> Iterator[Network]:
    """The network with somebody publishing."""
    network.coordinator.calls.clear()
    network.ingest.wait_state("waiting")  # whoever published before has gone
    with running(publisher(network.ingest.rtmp_port)):
        network.ingest.wait_state("live")
        yield network


def _page_with(node: AgentProcess, words: str) -> str:
    """The status page, once it holds these words."""
    page = node.text("/")
    return page if words in page else ""


def _has_another(node: AgentProcess, pid: int) -> bool:
    """Whether its relay is not this process any more."""
    return node.relay_pid() != pid


def exists(pid: int) -> bool:
    """True while there is such a process."""
    return Path(f"/proc/{pid}").exists()


def wait_for_call(coordinator: CoordinatorStandIn, node: AgentProcess) -> None:
    """Wait until the node has called once more."""
    heard = len(coordinator.calls)
    node.wait_until("a call", lambda: len(coordinator.calls) > heard)


def assert_nothing_came(ingest: AgentProcess, before: dict[str, Any]) -> None:
    """A whole reading later, not a byte of media has been counted."""
    then_s = ingest.stats()["relay"]["uptime_s"]
    ingest.wait_until("a reading", lambda: ingest.stats()["relay"]["uptime_s"] > then_s + 2)
    after = ingest.stats()["stream"]
    assert (after["state"], after["bytes_in"]) == ("waiting", before["bytes_in"])


def test_a_node_relays_the_stream_counts_its_viewers_and_leaves(
    live: Network, tmp_path: Path
) -> None:
    examined(tmp_path / "data")
    with running(live.node(tmp_path, DRAIN_SECONDS=str(LONG_S))) as node:
        first = node.wait_state("live")
        assert first["schema"] == "restream-node/1"
        assert first["relay"] == {**first["relay"], "engine": ENGINE, "state": "running"}
        assert first["stream"]["viewers"] == 0
        with running(player(node.rtmp_port)), running(player(node.rtmp_port)):
            node.wait_until("two viewers", lambda: node.stats()["stream"]["viewers"] == 2)
            packets = probe(node.rtmp_port)
            assert int(packets["h264"]["nb_read_packets"]) >= 15
            assert int(packets["aac"]["nb_read_packets"]) >= 15
        node.wait_until("no viewers", lambda: node.stats()["stream"]["viewers"] == 0)
        then = node.stats()["stream"]
        assert then["bytes_in"] > first["stream"]["bytes_in"]
        assert then["bytes_out"] > 10_000
        assert then["video"] == {"codec": "H264", "width": 640, "height": 360, "frame_rate": 15.0}
        assert then["audio"] == {"codec": "AAC", "sample_rate": 44100, "channels": 1}
        assert node.get("/healthz")[0] == 200
        status = Path(f"/proc/{node.process.pid}/status").read_text()
        resident_kb = int(status.split("VmRSS:")[1].split()[0])
        assert resident_kb < RESIDENT_KB_MAX
        assert "restream_stream_live" in node.text("/metrics")
        page = node.text("/")
        assert "This node is earning" in page
        assert "B sent; " in page
        assert "0 B sent; " not in page  # it was watched before anybody looked

        beat = live.coordinator.beats()[-1]
        assert beat == {
            "stream_id": STREAM_ID,
            "stats_port": node.stats_port,
            "rtmp_port": node.rtmp_port,
            "agent": "0.1.0",
            "engine": ENGINE,
            "address": HOST,
            "repeats": True,
            "state": "running",
        }
        assert live.coordinator.beats()[0] == {**beat, "repeats": False}
        relay = node.relay_pid()
        node.process.terminate()
        assert node.wait() == 0, node.output  # nobody watches, so nobody is waited for
        assert len(live.coordinator.beats("leaving")) == 1
        assert not exists(relay)
        assert not is_listening(node.rtmp_port)


def test_a_publisher_with_a_wrong_key_is_refused(network: Network) -> None:
    before = network.ingest.wait_state("waiting")["stream"]
    with running(publisher(network.ingest.rtmp_port, key="wrong")) as cheat:
        assert cheat.wait() != 0
    network.ingest.wait_until(
        "the refusal in the log",
        lambda: any(
            e["reason"] == "The stream key is wrong."
            for e in network.ingest.events("publisher_refused")
        ),
    )
    assert_nothing_came(network.ingest, before)
    assert "wrong" not in str(network.ingest.events("relay_says"))


def test_a_publisher_cannot_open_one_stream_with_the_key_of_another(network: Network) -> None:
    before = network.ingest.wait_state("waiting")["stream"]
    both = f"a-stream-key-for-tests&name={STREAM_ID}"
    with running(publisher(network.ingest.rtmp_port, key=both, stream_id="other")) as cheat:
        assert cheat.wait() != 0
    assert_nothing_came(network.ingest, before)


def test_publishers_are_refused_while_the_coordinator_is_away(network: Network) -> None:
    network.coordinator.stop()
    try:
        with running(publisher(network.ingest.rtmp_port)) as early:
            assert early.wait() != 0
        network.ingest.wait_until(
            "the refusal in the log",
            lambda: any(
                "cannot be asked" in e["reason"] for e in network.ingest.events("publisher_refused")
            ),
        )
    finally:
        network.coordinator.start()


def test_a_node_lets_nobody_publish_into_it(live: Network, tmp_path: Path) -> None:
    with running(live.node(tmp_path)) as node:
        node.wait_state("live")
        for stream_id in (STREAM_ID, "other"):
            with running(publisher(node.rtmp_port, stream_id=stream_id)) as stranger:
                assert stranger.wait() != 0
        assert node.stats()["stream"]["state"] == "live"


@pytest.mark.of_restream
def test_what_the_relay_refused_and_how_it_hands_on_is_shown(live: Network, tmp_path: Path) -> None:
    with running(live.node(tmp_path)) as node:
        node.wait_state("live")
        with running(publisher(node.rtmp_port)) as stranger:
            assert stranger.wait() != 0
        node.wait_until("the refusal", lambda: node.stats()["relay"]["refused"].get("publish") == 1)
        node.wait_until(
            "a key interval",
            lambda: node.stats()["stream"]["delivery"]["key_interval_ms"] == 2000,
        )
        assert node.stats()["stream"]["delivery"]["gop_bytes"] > 0
        text = node.text("/metrics")
        assert 'reason="publish"} 1\n' in text
        assert "restream_key_interval_seconds" in text


def test_a_relay_that_crashes_again_and_again_is_back_each_time(
    live: Network, tmp_path: Path
) -> None:
    """Three crashes of a minute cost no wait."""
    with running(live.node(tmp_path)) as node:
        node.wait_state("live")
        for _ in range(3):
            struck = node.relay_pid()
            os.kill(struck, signal.SIGKILL)
            node.wait_until("another relay", partial(_has_another, node, struck))
        assert [event["retry_s"] for event in node.events("relay_down")] == [0, 0, 0]


@pytest.mark.of_restream
def test_a_crash_is_an_event_with_who_sent_the_last_bytes_and_their_digest(
    network: Network, tmp_path: Path
) -> None:
    """A stranger's bytes, and then the end that a fault in the parser would be."""
    said = b"\x03" + bytes(1_600)
    examined(tmp_path / "data")  # else what it plays itself could be the last that is read
    with running(network.node(tmp_path)) as node:
        node.wait_until("relay up", lambda: node.get("/healthz")[0] == 200)
        struck = node.relay_pid()
        # It must not look at its own port in between: a knock is a read as well.
        os.kill(node.process.pid, signal.SIGSTOP)
        try:
            with socket.create_connection((HOST, node.rtmp_port)) as stranger:
                stranger.sendall(said)
                assert len(stranger.recv(1)) == 1  # an answer: it has read
                os.kill(struck, signal.SIGSEGV)
        finally:
            os.kill(node.process.pid, signal.SIGCONT)
        node.wait_until("another relay", partial(_has_another, node, struck))
        [crash] = node.events("relay_crashed")
        assert [event["retry_s"] for event in node.events("relay_down")] == [0]
    digest = hashlib.sha256(said).hexdigest()
    assert (crash["host"], crash["bytes"], crash["sha256"]) == (HOST, len(said), digest[:16])
    assert crash["reason"].startswith("restream was killed by signal 11")
    assert crash.keys() == RECORDED["crashes"].keys()  # by which an alert is tried


@pytest.mark.of_restream
def test_a_node_waits_for_a_publisher_who_pauses(network: Network, tmp_path: Path) -> None:
    with running(network.node(tmp_path)) as node:
        node.wait_until("relay up", lambda: node.get("/healthz")[0] == 200)
        with running(publisher(network.ingest.rtmp_port)):
            before = node.wait_state("live")["stream"]
        waiting = node.wait_state("waiting")["stream"]
        assert waiting["video"] is None
        assert waiting["live_s"] == 0
        assert node.get("/healthz")[0] == 200
        with running(publisher(network.ingest.rtmp_port)):
            after = node.wait_state("live")["stream"]
            assert after["bytes_in"] > before["bytes_in"]
            assert node.stats()["relay"]["restarts"] == 0


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_relay_that_is_struck_is_replaced(
    live: Network, tmp_path: Path, blow: signal.Signals
) -> None:
    with running(live.node(tmp_path)) as node:
        node.wait_state("live")
        struck = node.relay_pid()
        os.kill(struck, blow)
        node.wait_until("another relay", lambda: node.relay_pid() != struck)
        node.wait_until(
            "live again",
            lambda: (
                node.stats()["stream"]["state"] == "live" and node.stats()["relay"]["restarts"] == 1
            ),
        )
        assert not exists(struck)
        assert probe(node.rtmp_port)["h264"]
        reason = node.events("relay_down")[0]["reason"]
        assert ENGINE in reason
        assert "starts the relay again by itself" in reason


def test_a_killed_agent_leaves_no_relay_and_comes_back_as_the_same_node(
    live: Network, tmp_path: Path
) -> None:
    ports: dict[str, str] = {"RTMP_PORT": str(free_port()), "STATS_PORT": str(free_port())}
    with running(live.node(tmp_path, **ports)) as node:
        before = node.wait_state("live")["node_id"]
        relay = node.relay_pid()
        node.process.kill()
        node.wait()
        wait_for("the orphan's end", lambda: not exists(relay), lambda: node.output)
    with running(live.node(tmp_path, **ports)) as node:
        assert node.wait_state("live")["node_id"] == before
        assert not node.events("relay_down")


def test_a_node_that_nobody_polls_calls_long_before_it_was_asked_to(
    live: Network, tmp_path: Path
) -> None:
    """Its address may have changed, or the coordinator has lost it."""
    coordinator = live.coordinator
    coordinator.pace_s, coordinator.sweep_s = 600.0, 0.1
    try:
        with running(live.node(tmp_path)) as node:
            node.wait_until("three heartbeats", lambda: len(coordinator.beats()) >= 3)
    finally:
        coordinator.pace_s, coordinator.sweep_s = 1.0, 60.0
    assert [beat["repeats"] for beat in coordinator.beats()[:3]] == [False, True, True]


def test_a_node_goes_on_relaying_whatever_the_coordinator_does(
    live: Network, tmp_path: Path
) -> None:
    coordinator = live.coordinator
    with running(live.node(tmp_path)) as node:
        node.wait_state("live")
        node.wait_until("a heartbeat", coordinator.beats)
        for behaviour in ("broken", "nonsense"):
            coordinator.behaviour = behaviour
            wait_for_call(coordinator, node)
        coordinator.behaviour = "slow"
        wait_for_call(coordinator, node)
        coordinator.behaviour = "well"
        coordinator.stop()
        node.wait_until(
            "its absence in the log",
            lambda: any("ConnectError" in e["reason"] for e in node.events("coordinator_trouble")),
        )
        assert "ago it said: Everything is as it should be." in node.text("/")
        assert probe(node.rtmp_port)["h264"]
        returns = len(node.events("coordinator_back"))  # from what it did before
        coordinator.start()
        node.wait_until(
            "its return in the log", lambda: len(node.events("coordinator_back")) > returns
        )
        assert node.stats()["relay"]["restarts"] == 0
        assert len(node.events("standing")) == 1  # told once, because it did not change


def test_a_node_started_while_the_coordinator_is_away_begins_when_it_is_back(
    live: Network, tmp_path: Path
) -> None:
    live.coordinator.stop()
    try:
        with running(live.node(tmp_path)) as node:
            node.wait_until("trouble", lambda: node.events("coordinator_trouble"))
            code, health = node.get("/healthz")
            assert code == 503
            assert "Check that COORDINATOR_URL is right" in health["reason"]
            assert node.stats()["relay"]["state"] == "starting"
            live.coordinator.start()
            node.wait_state("live")
    finally:
        live.coordinator.stop()
        live.coordinator.start()


def test_a_closed_stream_is_not_pulled_and_a_moved_one_is_followed(
    live: Network, tmp_path: Path
) -> None:
    coordinator = live.coordinator
    here = coordinator.ingest_url
    try:
        with running(live.node(tmp_path)) as node:
            node.wait_state("live")
            coordinator.ingest_url = f"rtmp://nowhere.invalid:1935/live/{STREAM_ID}"
            node.wait_until(
                "an unresolved name",
                lambda: any(
                    "does not resolve" in e["reason"] and "nowhere.invalid" in e["reason"]
                    for e in node.events("relay_down")
                ),
            )
            assert node.get("/healthz")[0] == 503
            coordinator.ingest_url = here
            node.wait_state("live")
            coordinator.stream_status = "closed"
            node.wait_until("a stop", lambda: node.stats()["relay"]["state"] == "stopped")
            assert node.stats()["relay"]["uptime_s"] == 0
            assert not is_listening(node.rtmp_port)
            heard = len(coordinator.beats())
            node.wait_until("more heartbeats", lambda: len(coordinator.beats()) > heard)
            coordinator.stream_status = "active"
            node.wait_state("live")
    finally:
        coordinator.ingest_url, coordinator.stream_status = here, "active"


def test_an_unknown_stream_is_said_in_one_sentence(network: Network, tmp_path: Path) -> None:
    with running(network.node(tmp_path, STREAM_ID="nosuchstream")) as node:
        trouble = node.wait_until("trouble", lambda: node.events("coordinator_trouble"))
        assert "There is no stream of this id." in trouble[0]["reason"]
        assert "Check STREAM_ID, which is nosuchstream." in trouble[0]["reason"]
        node.process.send_signal(signal.SIGINT)
        assert node.wait() == 0


def test_a_taken_port_is_named_and_waited_for(network: Network, tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with running(network.node(tmp_path, STATS_PORT=str(port))) as node:
            assert node.wait() == 1
            reason = node.events("agent_cannot_start")[0]["reason"]
            assert reason.endswith("stop what uses the port, or set STATS_PORT to a free one.")
        with running(network.node(tmp_path, BIND_ADDRESS="192.0.2.7")) as node:
            assert node.wait() == 1
            assert "set BIND_ADDRESS to" in node.events("agent_cannot_start")[0]["reason"]
        with running(network.node(tmp_path, RTMP_PORT=str(port))) as node:
            down = node.wait_until("trouble", lambda: node.events("relay_down"))
            assert f"{HOST}:{port}" in down[0]["reason"]
            assert "set RTMP_PORT" in node.get("/healthz")[1]["reason"]
            page = node.wait_until("an answer", lambda: _page_with(node, "is not earning: its"))
            assert "set RTMP_PORT" in page
            taken.close()
            node.wait_until("health", lambda: node.get("/healthz")[0] == 200)


def test_wrong_settings_end_the_agent_with_a_sentence_each(tmp_path: Path) -> None:
    with running(AgentProcess(tmp_path, "", RTMP_PORT="many", STATS_PORT="8080")) as agent:
        assert agent.wait() == 2
        said = [event["reason"] for event in agent.events("setting_wrong")]
        assert [sentence.split()[0] for sentence in said] == [
            "RTMP_PORT",
            "COORDINATOR_URL",
            "STREAM_ID",
        ]


def test_idle_and_crowding_connections_do_not_keep_others_from_the_statistics(
    network: Network, tmp_path: Path
) -> None:
    with running(network.node(tmp_path)) as node, ExitStack() as crowd:
        node.wait_until("stats", node.stats)
        for _ in range(20):
            idle = crowd.enter_context(socket.create_connection((HOST, node.stats_port)))
            idle.sendall(b"GET /stats.json HTTP/1.1\r\nX-Drip: ")
        assert node.stats()["schema"] == "restream-node/1"
        for _ in range(20):
            crowd.enter_context(socket.create_connection((HOST, node.stats_port)))
        assert node.get("/stats.json")[0] == 0  # this address has more than its share
        crowd.close()
        node.wait_until("stats again", node.stats)
        with socket.create_connection((HOST, node.stats_port), timeout=5) as huge:
            huge.sendall(b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n")
            assert b" 400 " in huge.recv(100)
        assert node.get("/healthz")[0] in (200, 503)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("", '{"reason": "\\ud800"}'),
        ("", '{"next_heartbeat_seconds": 1' + "0" * 5000 + "}"),
        ("", "[" * 60_000),
        ("Date: Mon, 01 Jan 999999999999 00:00:00 GMT\r\n", "{}"),
        ("Date: Mon, 01 Jan 2026 00:00:00 +99999999999999999999\r\n", "{}"),
    ],
)
async def test_odd_values_in_an_answer_are_an_absence_and_no_crash(head: str, body: str) -> None:
    """Each is well-formed HTTP, and a value that cannot be computed with."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.0 200 OK\r\n{head}\r\n{body}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, HOST, 0) as server:
        client = CoordinatorClient(
            f"http://{HOST}:{server.sockets[0].getsockname()[1]}", SignedBy(key_of(7))
        )
        with pytest.raises(CoordinatorAwayError, match="its answer is not understood"):
            await client.heartbeat({"state": "running"}, seconds_max=5)
        assert await client.clock() is None
        await client.close()


async def test_the_client_tells_a_refusal_from_an_absence(network: Network) -> None:
    stand_in = network.coordinator
    client = CoordinatorClient(stand_in.url, SignedBy(key_of(7)))
    try:
        with pytest.raises(CoordinatorRefusalError) as refusal:
            await client.stream("nosuchstream")
        assert refusal.value.status == 404
        assert refusal.value.problem == "/problems/unknown-stream"
        with pytest.raises(CoordinatorRefusalError):
            await client.check_publisher(STREAM_ID, "x", "", 5)
        beat = {"stream_id": STREAM_ID, "state": "running", "rtmp_port": 1, "address": HOST}
        # What is answered has the time that a busy machine may need.
        behaviours = {
            "broken": ("500", WAIT_S_MAX),
            "nonsense": ("not JSON", WAIT_S_MAX),
            "slow": ("within 0.3 s", 0.3),
        }
        for behaviour, (said, seconds_max) in behaviours.items():
            stand_in.behaviour = behaviour
            with pytest.raises(CoordinatorAwayError, match=said):
                await client.heartbeat(beat, seconds_max=seconds_max)
    finally:
        stand_in.behaviour = "well"
        await client.close()
