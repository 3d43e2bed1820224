"""How a node chooses its stream, and how it leaves."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.agents import AgentProcess, examined, ingest_in
from tests.e2e.coordinator_stand_in import STREAM_ID, CoordinatorStandIn
from tests.e2e.ffmpeg import player, publisher
from tests.e2e.watched import HOST, running

DRAIN_S = 4.0


@pytest.fixture
def coordinator(tmp_path: Path) -> Iterator[CoordinatorStandIn]:
    """With a live ingest behind it."""
    with ingest_in(tmp_path) as (stand_in, ingest), running(publisher(ingest.rtmp_port)):
        yield stand_in


def watched(node: AgentProcess, viewers: int) -> None:
    """Wait for so many viewers."""
    node.wait_until(f"{viewers} viewers", lambda: node.stats()["stream"]["viewers"] == viewers)


def test_viewers_may_finish_after_the_goodbye(
    coordinator: CoordinatorStandIn, tmp_path: Path
) -> None:
    """The coordinator is told first; the relay ends with the last viewer."""
    settings = {"STREAM_ID": STREAM_ID, "DRAIN_SECONDS": "60"}
    with running(AgentProcess(examined(tmp_path / "node"), coordinator.url, **settings)) as node:
        node.wait_state("live")
        with running(player(node.rtmp_port)) as viewer:
            watched(node, 1)
            node.process.terminate()
            node.wait_until("the goodbye", lambda: coordinator.beats("leaving"))
            sent = node.stats()["stream"]["bytes_out"]
            node.wait_until("more media", lambda: node.stats()["stream"]["bytes_out"] > sent)
            assert viewer.process.poll() is None
        assert node.wait() == 0, node.output
        assert node.events("drained")[0]["viewers"] == 0


def test_viewers_who_stay_are_not_waited_for_for_ever(
    coordinator: CoordinatorStandIn, tmp_path: Path
) -> None:
    """DRAIN_SECONDS is the limit, and a second signal ends the wait at once."""
    settings = {"STREAM_ID": STREAM_ID, "DRAIN_SECONDS": str(DRAIN_S)}
    with running(AgentProcess(examined(tmp_path / "node"), coordinator.url, **settings)) as node:
        node.wait_state("live")
        with running(player(node.rtmp_port)):
            watched(node, 1)
            asked_s = time.monotonic()
            node.process.terminate()
            assert node.wait() == 0, node.output
            assert time.monotonic() - asked_s >= DRAIN_S
        assert node.events("drained")[0]["viewers"] == 1
    settings["DRAIN_SECONDS"] = "600"
    with running(AgentProcess(tmp_path / "node", coordinator.url, **settings)) as node:
        node.wait_state("live")
        with running(player(node.rtmp_port)):
            watched(node, 1)
            node.process.terminate()
            node.wait_until("the goodbye", lambda: len(coordinator.beats("leaving")) == 2)
            os.kill(node.process.pid, signal.SIGTERM)
            assert node.wait() == 0, node.output


def test_auto_takes_the_stream_that_lacks_nodes_most_and_leaves_one_that_ends(
    coordinator: CoordinatorStandIn, tmp_path: Path
) -> None:
    """A closed one is none, a full one is not needy; one that ends is looked for anew.

    The choice is drawn: the other one is full, so it has no part while this one lacks nodes.
    """
    one: dict[str, Any] = {
        "stream_id": "served",
        "status": "active",
        "ingest_url": f"rtmp://{HOST}:1/live/served",
        "nodes_verified": 11,
        "max_paid_nodes": 11,
    }
    ended = {**one, "stream_id": "ended", "status": "closed", "nodes_verified": 0}
    coordinator.others = [one, ended]
    with running(AgentProcess(tmp_path / "node", coordinator.url, STREAM_ID="auto")) as node:
        assert node.wait_state("live")["stream"]["id"] == STREAM_ID
        assert f'stream_id="{STREAM_ID}"' in node.text("/metrics")
        node.wait_until("a heartbeat", coordinator.beats)
        assert {beat["stream_id"] for beat in coordinator.beats()} == {STREAM_ID}
        coordinator.stream_status = "exhausted"
        node.wait_until("another", lambda: node.stats()["stream"]["id"] == "served")
        node.wait_until("its heartbeat", lambda: coordinator.beats()[-1]["stream_id"] == "served")
        # It stays: the one it left is not gone back to.
        heard = len(coordinator.beats())
        node.wait_until("two more", lambda: len(coordinator.beats()) >= heard + 2)
        assert {beat["stream_id"] for beat in coordinator.beats()[heard:]} == {"served"}
        assert [found["stream_id"] for found in node.events("stream_found")] == [
            STREAM_ID,
            "served",
        ]


def test_auto_waits_while_no_stream_is_active(
    coordinator: CoordinatorStandIn, tmp_path: Path
) -> None:
    """And says so; a goodbye is not sent for what was never announced."""
    coordinator.stream_status = "closed"
    with running(AgentProcess(tmp_path / "node", coordinator.url, STREAM_ID="auto")) as node:
        node.wait_until("the agent", node.stats)
        node.wait_until("word", lambda: "No stream is active" in node.get("/healthz")[1]["reason"])
        node.process.terminate()
        assert node.wait() == 0
    assert not coordinator.beats("leaving")


@pytest.mark.parametrize("stream_id", [STREAM_ID, "auto"])
def test_a_stream_without_tokens_is_left_after_a_grace_and_taken_up_again(
    coordinator: CoordinatorStandIn, tmp_path: Path, stream_id: str
) -> None:
    """The node says goodbye, pulls nothing and says why; it goes on once there are tokens."""
    settings = {"STREAM_ID": stream_id, "UNPAID_SECONDS": "0.5"}
    coordinator.told = {
        "balance_lasts_seconds": 120,
        "balance_says": "The balance lasts 2 min at the present rate.",
    }
    with running(AgentProcess(examined(tmp_path / "node"), coordinator.url, **settings)) as node:
        node.wait_state("live")
        node.wait_until("a warning", lambda: "The balance lasts 2 min" in node.text("/"))
        coordinator.stream_status = "exhausted"
        node.wait_until("the goodbye", lambda: coordinator.beats("leaving"))
        node.wait_until("its end", lambda: node.stats()["relay"]["state"] == "stopped")
        assert "tokens are used up" in node.text("/")
        assert node.get("/healthz")[0] == 200
        coordinator.stream_status = "active"
        assert node.wait_state("live")["stream"]["id"] == STREAM_ID
        assert len(node.events("unpaid")) == 1
