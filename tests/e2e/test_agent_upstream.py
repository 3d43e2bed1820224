"""A node whose ingest or publisher goes away, freezes, or comes back as another: real processes."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from agent.relay.restream.pace import CALM_S, WINDOW_S_MIN
from tests.e2e.agents import AgentProcess
from tests.e2e.coordinator_stand_in import INGEST_KEY, STREAM_ID, CoordinatorStandIn
from tests.e2e.ffmpeg import probe, publisher
from tests.e2e.watched import HOST, Watched, running
from tests.ports import free_port

TRIES = 7
"""Alone they would take 23 s: three times as long as when it is told, however busy the machine."""
AWAY_S = 12.0
"""Longer than a relay takes to give a silent upstream up, and than every wait between two pulls."""


class Upstream:
    """An ingest with a publisher, at the same place each time, and the coordinator behind it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._ports = {"RTMP_PORT": str(free_port()), "STATS_PORT": str(free_port())}
        self._port = int(self._ports["RTMP_PORT"])
        self.coordinator = CoordinatorStandIn(f"rtmp://{HOST}:{self._port}/live/{STREAM_ID}")
        self.coordinator.start()
        stack.callback(self.coordinator.stop)
        self.ingest = self.start_ingest()
        self.publisher = self.publish()

    def start_ingest(self) -> AgentProcess:
        """Anew, if there was one."""
        settings = {"ROLE": "ingest", "INGEST_KEY": INGEST_KEY, **self._ports}
        self.ingest = AgentProcess(self._folder / "ingest", self.coordinator.url, **settings)
        self._stack.enter_context(running(self.ingest))
        self.ingest.wait_until("ingest up", lambda: self.ingest.get("/healthz")[0] == 200)
        return self.ingest

    def publish(self, size: str = "640x360") -> Watched:
        """Returns when the stream is live."""
        self.publisher = self._stack.enter_context(running(publisher(self._port, size=size)))
        self.ingest.wait_state("live")
        return self.publisher

    def signal_ingest(self, number: signal.Signals) -> None:
        """To its agent and to its relay, as to a whole machine."""
        for pid in (self.ingest.process.pid, self.ingest.relay_pid()):
            os.kill(pid, number)


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Upstream]:
    """Live."""
    with ExitStack() as stack:
        yield Upstream(tmp_path, stack)


@pytest.fixture
def node(upstream: Upstream, tmp_path: Path) -> Iterator[AgentProcess]:
    """Live as well."""
    agent = AgentProcess(tmp_path / "node", upstream.coordinator.url, STREAM_ID=STREAM_ID)
    with running(agent):
        agent.wait_state("live")
        yield agent


def wait_out(node: AgentProcess) -> None:
    """For AWAY_S the node says that nothing comes, and that it is well itself."""
    since_s = node.wait_state("waiting")["relay"]["uptime_s"]

    def is_over() -> bool:
        stats = node.stats()
        assert stats["stream"]["state"] == "waiting"
        return bool(stats["relay"]["uptime_s"] > since_s + AWAY_S)

    node.wait_until("the end of the outage", is_over)
    assert node.get("/healthz")[0] == 200


def assert_plays_without_a_restart(node: AgentProcess) -> None:
    """By the relay that ran before."""
    node.wait_state("live")
    assert probe(node.rtmp_port)["h264"]
    assert node.stats()["relay"]["restarts"] == 0


@pytest.mark.of_restream
def test_an_ingest_that_was_gone_is_pulled_again(upstream: Upstream, node: AgentProcess) -> None:
    """Killed without a goodbye; at home it is started anew at the same place."""
    upstream.ingest.process.kill()
    upstream.ingest.wait()
    upstream.publisher.wait()
    wait_out(node)
    upstream.start_ingest()
    upstream.publish()
    assert_plays_without_a_restart(node)


@pytest.mark.of_restream
def test_an_ingest_that_freezes_is_noticed_and_pulled_again(
    upstream: Upstream, node: AgentProcess
) -> None:
    """Its connections stay open: only the media stop."""
    upstream.signal_ingest(signal.SIGSTOP)
    try:
        wait_out(node)
        upstream.publisher.stop()
    finally:
        upstream.signal_ingest(signal.SIGCONT)
    upstream.ingest.wait_state("waiting")
    upstream.publish()
    assert_plays_without_a_restart(node)


def test_a_publisher_who_comes_back_with_another_size_is_served_as_such(
    upstream: Upstream, node: AgentProcess
) -> None:
    """No header of the stream before is handed to new viewers."""
    assert node.stats()["stream"]["video"]["width"] == 640
    upstream.publisher.process.terminate()
    upstream.publisher.wait()
    upstream.ingest.wait_state("waiting")
    upstream.publish(size="320x180")
    node.wait_until(
        "the other size", lambda: (node.stats()["stream"]["video"] or {}).get("width") == 320
    )
    shown = probe(node.rtmp_port)["h264"]
    assert (shown["width"], shown["height"]) == (320, 180)
    assert node.stats()["relay"]["restarts"] == 0


def test_a_node_that_is_told_that_the_stream_is_live_does_not_wait(tmp_path: Path) -> None:
    """Left alone its pauses double up to eight seconds; here it is told each second."""
    settings = {"ROLE": "ingest", "INGEST_KEY": INGEST_KEY}
    port = free_port()
    coordinator = CoordinatorStandIn(f"rtmp://{HOST}:{port}/live/{STREAM_ID}")
    coordinator.told = {"reason": "upstream_down"}
    coordinator.start()
    moments_s: list[float] = []

    def is_refused(ingest: AgentProcess, times: int) -> bool:
        is_so = ingest.stats()["relay"]["refused"].get("no_stream", 0) >= times
        if is_so:
            moments_s.append(time.monotonic())
        return bool(is_so)

    with ExitStack() as stack:
        stack.callback(coordinator.stop)
        ingest = AgentProcess(tmp_path / "ingest", coordinator.url, RTMP_PORT=str(port), **settings)
        stack.enter_context(running(ingest))
        ingest.wait_until("ingest up", lambda: ingest.get("/healthz")[0] == 200)
        node = AgentProcess(tmp_path / "node", coordinator.url, STREAM_ID=STREAM_ID)
        stack.enter_context(running(node))
        for times in (1, 1 + TRIES):
            node.wait_until(f"{times} tries", partial(is_refused, ingest, times))
    alone_s = sum(min(CALM_S, WINDOW_S_MIN * 2**n) for n in range(TRIES))
    assert moments_s[1] - moments_s[0] < alone_s
