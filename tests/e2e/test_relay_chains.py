"""Chains of relays, nginx-rtmp among them: numbered media come out as they went in."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path

from rtmp.addresses import RtmpAddress
from rtmp.flv import payload_of
from rtmp.messages import Message
from tests.e2e.agents import AgentProcess, examined
from tests.e2e.coordinator_stand_in import STREAM_ID, STREAM_KEY, CoordinatorStandIn
from tests.e2e.heard import until_heard
from tests.e2e.media import Media
from tests.e2e.watched import HOST, is_listening, running
from tests.integration.relays import ENGINE, relays_in
from tests.numbered_media import (
    MESSAGES_A_GOP,
    Seen,
    publish_as_obs,
    publishing,
    send_media,
    unpublish,
    until_seen,
    watch,
    watched,
    wire,
)

SEEN = 3 * MESSAGES_A_GOP


def stream_at(port: int) -> RtmpAddress:
    """The one stream, at this port."""
    return RtmpAddress(HOST, port, "live", STREAM_ID)


@contextmanager
def node_of(source: RtmpAddress, folder: Path) -> Iterator[AgentProcess]:
    """A node of restream that pulls from anywhere."""
    coordinator = CoordinatorStandIn(source.url)
    coordinator.start()
    agent = AgentProcess(examined(folder), coordinator.url, STREAM_ID=STREAM_ID, **ENGINE)
    try:
        with running(agent):
            agent.wait_until("a relay that listens", lambda: is_listening(agent.rtmp_port))
            yield agent
    finally:
        coordinator.stop()


def is_key(message: Message) -> bool:
    """A chain that grows in mid-stream has sounds before its first key frame."""
    payload = payload_of(message)
    return payload is not None and payload.is_key


async def seen_at(source: RtmpAddress, last: RtmpAddress) -> Seen:
    """What an honest viewer of the last relay sees while the first one's publisher sends."""
    async with publishing(source, STREAM_KEY):
        await until_heard(last, is_key)
        async with watched(last) as (seen,):
            await until_seen([seen], SEEN)
    return seen


def test_ours_from_ours_twice(tmp_path: Path) -> None:
    with (
        relays_in(tmp_path) as relays,
        node_of(relays.address("node"), tmp_path / "second") as second,
    ):
        seen = asyncio.run(seen_at(relays.address("ingest"), stream_at(second.rtmp_port)))
    assert seen.faults == {}


def test_ours_from_nginx(tmp_path: Path) -> None:
    with ExitStack() as stack:
        _, port = stack.enter_context(Media()).server("nginx")
        node = stack.enter_context(node_of(stream_at(port), tmp_path / "node"))
        seen = asyncio.run(seen_at(stream_at(port), stream_at(node.rtmp_port)))
    assert seen.faults == {}


def test_nginx_from_ours(tmp_path: Path) -> None:
    with relays_in(tmp_path) as relays, Media() as media:
        _, port = media.server("nginx", pull=relays.address("node"))
        seen = asyncio.run(seen_at(relays.address("ingest"), stream_at(port)))
    assert seen.faults == {}


async def _two_publishers(source: RtmpAddress, last: RtmpAddress) -> tuple[Seen, int]:
    """One leaves as OBS does, and another comes at once; gives the number it began with."""
    second_first = 10 * MESSAGES_A_GOP
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(wire(source))
        await first.greet()
        assert await publish_as_obs(first, source, STREAM_KEY) == "NetStream.Publish.Start"
        sending = asyncio.create_task(send_media(first))
        seen = Seen()
        watching = asyncio.create_task(watch(last, seen))
        stack.callback(watching.cancel)
        await until_seen([seen], MESSAGES_A_GOP)
        sending.cancel()
        await unpublish(first, source)
        second = await stack.enter_async_context(wire(source))
        await second.greet()
        assert await publish_as_obs(second, source, STREAM_KEY) == "NetStream.Publish.Start"
        going_on = asyncio.create_task(send_media(second, second_first))
        stack.callback(going_on.cancel)
        await until_seen([seen], second_first)
    return seen, second_first


def test_viewers_stay_while_a_publisher_reconnects(tmp_path: Path) -> None:
    """They see the second one's media behind the first one's, on the same connection."""
    with relays_in(tmp_path) as relays:
        ends = relays.address("ingest"), relays.address("node")
        seen, second_first = asyncio.run(_two_publishers(*ends))
    assert seen.ended == ""
    assert seen.repeated == 0
    assert seen.last >= second_first
