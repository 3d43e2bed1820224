"""What ends a reference's connection, beside what came over it."""

import asyncio

from coordinator.adapters.media.rtmp_reference import Reference
from rtmp.addresses import RtmpAddress
from tests.packet_streams import T0, live


async def test_a_connection_that_the_ingest_ended_is_an_interruption() -> None:
    """However little of the stream was missed: nodes lost theirs too, and come back in turns."""
    now_s, ended = T0 + 40.0, asyncio.Event()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()
        ended.set()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reference = Reference(RtmpAddress("127.0.0.1", port, "live", "show"), now=lambda: now_s)
    for packet in live(40):
        reference.window.take(packet)
    assert reference.was_live(T0 + 30, now_s)
    reference.start()
    async with asyncio.timeout(30):
        await ended.wait()
        while reference.was_live(T0 + 30, now_s):  # noqa: ASYNC110 - the reference sets no event
            await asyncio.sleep(0.01)
    assert reference.is_live(now_s)
    await reference.close()
    server.close()
