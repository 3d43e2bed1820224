"""With which stream a node stays, and when it goes: real heartbeats to a coordinator."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from agent.client.answers import RelayedStream
from agent.client.coordinator import CoordinatorClient
from agent.client.heartbeats import Heartbeats
from agent.client.signing import SignedBy
from tests.e2e.coordinator_stand_in import STREAM_ID, CoordinatorStandIn
from tests.integration.hostile import until
from tests.signing import key_of

OTHER = {
    "stream_id": "other",
    "status": "active",
    "ingest_url": "rtmp://127.0.0.1:1/live/other",
    "nodes_verified": 7,
    "max_paid_nodes": 11,
}


@pytest.fixture
def coordinator() -> Iterator[CoordinatorStandIn]:
    """With two streams, of which the first lacks nodes most."""
    stand_in = CoordinatorStandIn(f"rtmp://127.0.0.1:1/live/{STREAM_ID}")
    stand_in.others = [OTHER]
    stand_in.start()
    yield stand_in
    stand_in.stop()


class Node:
    """What a node relays, and what it says."""

    def __init__(self, coordinator: CoordinatorStandIn, stream_id: str, unpaid_s: float) -> None:
        self.followed: list[RelayedStream] = []
        self._client = CoordinatorClient(coordinator.url, SignedBy(key_of(7)))
        beat = {"stream_id": stream_id, "stats_port": 8080, "rtmp_port": 1935}
        polled = asyncio.get_running_loop().time
        self.heartbeats = Heartbeats(
            self._client, beat, 0.02, self.followed.append, lambda: 0.5, polled, unpaid_s
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Node"]:
        """Until the block ends."""
        task = asyncio.create_task(self.heartbeats.run())
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self._client.close()

    @property
    def stream_id(self) -> str:
        """Of what it relays."""
        return self.followed[-1].stream_id if self.followed else ""


async def _beaten(coordinator: CoordinatorStandIn, beats: int = 4) -> set[str]:
    """The streams of so many beats from now on."""
    heard = len(coordinator.beats())
    await until(lambda: len(coordinator.beats()) >= heard + beats)
    return {beat["stream_id"] for beat in coordinator.beats()[heard:]}


async def test_a_node_that_may_choose_leaves_a_stream_on_which_nobody_can_be_verified(
    coordinator: CoordinatorStandIn,
) -> None:
    """For one that is better, and not back again; where none is, it stays and is told why."""
    async with Node(coordinator, "auto", 3_600.0).running() as node:
        await until(lambda: node.stream_id == STREAM_ID)
        coordinator.unverified = {STREAM_ID, "other"}
        await until(lambda: node.followed[-1].is_unverified)
        assert await _beaten(coordinator) == {STREAM_ID}
        coordinator.unverified = {STREAM_ID}
        await until(lambda: node.stream_id == "other")
        coordinator.unverified = set()
        assert await _beaten(coordinator) == {"other"}


async def test_a_node_of_one_stream_stays_and_says_once_that_nobody_can_be_verified(
    coordinator: CoordinatorStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """In its log; what its page says is in `tests/unit/agent/shown/test_status_page.py`."""
    caplog.set_level(logging.INFO)
    async with Node(coordinator, STREAM_ID, 3_600.0).running() as node:
        await until(lambda: node.stream_id == STREAM_ID)
        coordinator.unverified = {STREAM_ID}
        await until(lambda: node.followed[-1].is_unverified)
        assert await _beaten(coordinator) == {STREAM_ID}
    said = [record for record in caplog.records if record.getMessage() == "unverified"]
    assert len(said) == 1
    assert "it keeps its place" in json.dumps(said[0].__dict__.get("fields"))
