"""The agent with the engine rtmp_relay: a compiled stand-in of the same interface and faults.

What that proves and what not is said in docs/adr/0006-relay-engine.md.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.agents import AgentProcess
from tests.e2e.coordinator_stand_in import INGEST_KEY, STREAM_ID, CoordinatorStandIn
from tests.e2e.ffmpeg import player, probe, publisher
from tests.e2e.watched import running
from tests.image.stand_in import program_path
from tests.ports import free_port


@pytest.fixture(scope="module")
def path() -> str:
    """A PATH on which `rtmp_relay` is the stand-in."""
    return program_path()


class Network:
    """An ingest of either engine with its coordinator, and nodes of rtmp_relay."""

    def __init__(self, stack: ExitStack, folder: Path, path: str, engine: str) -> None:
        self._folder, self._path = folder, path
        port = free_port()
        self.coordinator = CoordinatorStandIn(f"rtmp://localhost:{port}/live/{STREAM_ID}")
        self.coordinator.start()
        stack.callback(self.coordinator.stop)
        self.ingest = stack.enter_context(
            running(
                AgentProcess(
                    folder / "ingest",
                    self.coordinator.url,
                    ROLE="ingest",
                    INGEST_KEY=INGEST_KEY,
                    RTMP_PORT=str(port),
                    RELAY_ENGINE=engine,
                    PATH=path,
                )
            )
        )
        self.ingest.wait_until("ingest up", lambda: self.ingest.get("/healthz")[0] == 200)

    def node(self) -> AgentProcess:
        """A node of rtmp_relay, started."""
        return AgentProcess(
            self._folder / "node",
            self.coordinator.url,
            STREAM_ID=STREAM_ID,
            RELAY_ENGINE="rtmp_relay",
            PATH=self._path,
        )


@pytest.fixture(params=["restream", "rtmp_relay"])
def network(request: pytest.FixtureRequest, tmp_path: Path, path: str) -> Iterator[Network]:
    """Behind an ingest of each engine."""
    with ExitStack() as stack:
        yield Network(stack, tmp_path, path, str(request.param))


def test_it_relays_counts_viewers_and_bytes_and_stops(network: Network) -> None:
    """Its own page has no counters: the bytes come from the kernel."""
    with running(publisher(network.ingest.rtmp_port)), running(network.node()) as node:
        first = node.wait_state("live")
        assert first["relay"] == {**first["relay"], "engine": "rtmp_relay", "state": "running"}
        with running(player(node.rtmp_port)), running(player(node.rtmp_port)):
            node.wait_until("two viewers", lambda: node.stats()["stream"]["viewers"] == 2)
            assert int(probe(node.rtmp_port)["h264"]["nb_read_packets"]) >= 15
        node.wait_until("no viewers", lambda: node.stats()["stream"]["viewers"] == 0)
        stream = node.wait_until(
            "codecs", lambda: s if (s := node.stats()["stream"])["video"] else None
        )
        assert stream["bytes_in"] > first["stream"]["bytes_in"]
        assert stream["bytes_out"] > 10_000
        assert (stream["video"]["width"], stream["video"]["height"]) == (640, 360)
        assert stream["audio"]["codec"] == "AAC"
        node.process.terminate()
        assert node.wait() == 0, node.output
        assert network.coordinator.beats("leaving")[0]["engine"] == "rtmp_relay"


def test_after_the_publisher_came_back_new_viewers_get_a_picture(network: Network) -> None:
    """The relay alone would withhold the headers: the agent starts it anew, once."""
    with running(network.node()) as node:
        with running(publisher(network.ingest.rtmp_port)):
            node.wait_state("live")
        node.wait_state("waiting")
        with running(publisher(network.ingest.rtmp_port)):
            node.wait_until(
                "a new relay",
                lambda: any("codec headers" in e["reason"] for e in node.events("relay_down")),
            )
            node.wait_state("live")
            assert int(probe(node.rtmp_port)["h264"]["nb_read_packets"]) >= 15


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
@pytest.mark.parametrize("network", ["restream"], indirect=True)
def test_a_relay_that_is_struck_is_replaced(network: Network, blow: signal.Signals) -> None:
    """A frozen one is told by its silence."""
    with running(publisher(network.ingest.rtmp_port)), running(network.node()) as node:
        node.wait_state("live")
        struck = node.relay_pid()
        os.kill(struck, blow)
        node.wait_until("another relay", lambda: node.relay_pid() != struck)
        node.wait_state("live")
        assert probe(node.rtmp_port)["h264"]


@pytest.mark.parametrize("network", ["rtmp_relay"], indirect=True)
def test_an_ingest_of_it_warns_that_nobody_checks_publishers(network: Network) -> None:
    """The keys of streams mean nothing there: whoever set it up has to know."""
    warned = network.ingest.events("publishers_unchecked")
    assert "RELAY_ENGINE=restream" in warned[0]["reason"]
