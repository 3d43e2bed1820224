"""Small pictures of real streams, and nothing from servers that only pretend to have one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from coordinator.adapters.media.camera import picture_of
from coordinator.checking.thumbnails import BYTES_MAX, HEIGHT, WIDTH, is_jpeg
from tests.doubles.tcp_server import tcp_server
from tests.e2e.media import at, children_of_this_process, media
from tests.integration.hostile_servers import KINDS, Kind, serving


@pytest_asyncio.fixture
async def no_children_left() -> AsyncIterator[None]:
    """Whatever a server does, no process outlives its picture."""
    before = children_of_this_process()
    yield
    assert children_of_this_process() == before


async def test_a_live_stream_gives_one_small_jpeg(tmp_path: Path, no_children_left: None) -> None:
    """Which Debian's own tools can read."""
    async with media() as one:
        _, port = one.server("ingest")
        one.publish(at(port, "show"))
        jpeg = None
        async with asyncio.timeout(40):
            while jpeg is None:
                jpeg = await picture_of(at(port, "show"), 5.0)
    file = tmp_path / "picture.jpg"
    file.write_bytes(jpeg)
    asked = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height"]
    told = await asyncio.create_subprocess_exec(
        *asked, "-of", "csv=p=0", str(file), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(told.communicate(), 20)
    assert out.decode().strip() == f"mjpeg,{WIDTH},{HEIGHT}"
    assert 1_000 < len(jpeg) < BYTES_MAX


async def test_sound_without_a_picture_gives_none(no_children_left: None) -> None:
    async with media() as one:
        _, port = one.server("ingest")
        one.publish(at(port, "show"), picture=False)
        assert await picture_of(at(port, "show"), 4.0) is None


async def test_a_port_that_is_closed_or_says_nothing_gives_none(no_children_left: None) -> None:
    """Within the time that it was given."""

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()  # until the caller has gone

    async with tcp_server(silent) as port, asyncio.timeout(40):
        assert await picture_of(at(port, "show"), 2.0) is None
    assert await picture_of(at(port, "show"), 2.0) is None


@pytest.mark.parametrize("misbehave", KINDS.values(), ids=KINDS.keys())
async def test_a_hostile_server_is_survived(misbehave: Kind, no_children_left: None) -> None:
    """It ends in time, opens no other connection, and what comes of it is a picture or nothing."""
    visits: list[object] = []

    def visit(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(writer.get_extra_info("peername"))
        writer.close()

    bait = await asyncio.start_server(visit, "127.0.0.1", 0)
    async with bait, asyncio.timeout(20):
        bait_port = bait.sockets[0].getsockname()[1]
        async with serving(misbehave, bait_port, 0) as port:
            jpeg = await picture_of(at(port, "show"), 0.6)
    assert visits == []
    assert jpeg is None or is_jpeg(jpeg)
