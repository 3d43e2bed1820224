"""Nodes that are only TCP forwarders, before a real ingest and a real node of the image's agent.

RTMP's `connect` carries the URL that the player was given (`tcUrl`), and a forwarder hands it on as
it is. No canary is needed, which a node could tell a check by. Nobody else's node can be harmed:
a relay only ever refuses the very connection that asks for another address.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from agent.player import play
from coordinator.adapters.media.rtmp_probe import RtmpProbe
from coordinator.proof.captures import Capture
from coordinator.reasons import Reason
from emulator.link import Link
from rtmp.addresses import RtmpAddress
from tests.e2e.agents import AgentProcess, ingest_in
from tests.e2e.coordinator_stand_in import STREAM_ID
from tests.e2e.ffmpeg import publisher
from tests.e2e.watched import HOST, WAIT_S_MAX, running
from tests.ports import free_port

VIEWERS_AT_ONCE = 40


@dataclass
class Honest:
    """An ingest and a node that both serve the stream."""

    ingest: AgentProcess
    node: AgentProcess


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Honest]:
    """Both know where they are reached: the ingest from its stream, the node from its heartbeat."""
    folder = tmp_path_factory.mktemp("forwarders")
    with ExitStack() as stack:
        coordinator, ingest = stack.enter_context(ingest_in(folder, "localhost"))
        stack.enter_context(running(publisher(ingest.rtmp_port)))
        # rtmp_relay refuses nobody: docs/threat-model.md says so, under what no check stops.
        own = {"STREAM_ID": STREAM_ID, "RELAY_ENGINE": "restream"}
        node = AgentProcess(folder / "node", coordinator.url, **own)
        stack.enter_context(running(node))
        for agent in (ingest, node):
            agent.wait_state("live")
        yield Honest(ingest, node)


@asynccontextmanager
async def forwarder(to: AgentProcess) -> AsyncIterator[int]:
    """A port that hands every byte on to the relay of an agent, and back."""
    port = free_port()
    forwarding = asyncio.create_task(Link((HOST, to.rtmp_port)).serve((HOST, port)))
    try:
        yield port
    finally:
        forwarding.cancel()
        await asyncio.gather(forwarding, return_exceptions=True)


async def played(port: int) -> Capture:
    """What a check sees there; one that a busy machine could not begin has seen nothing."""
    address = RtmpAddress(HOST, port, "live", STREAM_ID)
    async with asyncio.timeout(WAIT_S_MAX):
        while True:
            capture = await RtmpProbe(now=time.time).capture(address, 2.0)
            if capture.failure is not Reason.UNKNOWN_INTERNAL:
                return capture


async def test_a_forwarder_to_the_ingest_has_nothing_to_forward(honest: Honest) -> None:
    """The ingest serves who asked for it, by name or by address."""
    async with forwarder(honest.ingest) as port:
        forwarded = await played(port)
    assert (forwarded.packets, forwarded.failure) == ((), Reason.NO_STREAM)
    assert (await played(honest.ingest.rtmp_port)).packets
    assert honest.ingest.events("player_forwarded")[0]["asked_for"] == f"{HOST}:{port}"


async def test_a_forwarder_to_another_node_has_nothing_to_forward(honest: Honest) -> None:
    """The neighbour keeps serving its own viewers meanwhile."""
    async with forwarder(honest.node) as port:
        forwarded, own = await asyncio.gather(played(port), played(honest.node.rtmp_port))
    assert (forwarded.packets, forwarded.failure) == ((), Reason.NO_STREAM)
    assert own.packets


async def test_a_crowd_of_viewers_is_let_in(honest: Honest) -> None:
    """Each asks the agent first; none is turned away because many come at once.

    As checks, each would need a process, and so many cannot all start within a check's 3 s.
    """
    url = RtmpAddress(HOST, honest.node.rtmp_port, "live", STREAM_ID)
    viewers = [play(url, 2.0, WAIT_S_MAX) for _ in range(VIEWERS_AT_ONCE)]
    assert all(seen.audio for seen in await asyncio.gather(*viewers))
