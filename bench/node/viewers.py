"""Viewers of an RTMP stream, as many and as light as a measurement needs."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent.player import PlayError, connected, play, until_asked
from bench.report import NotMeasurableError
from rtmp.addresses import RtmpAddress
from rtmp.player import Player
from tests.e2e.coordinator_stand_in import STREAM_ID
from tests.e2e.watched import HOST

VIEWERS = 200
ARRIVAL_S = 2.0


def url_at(port: int) -> RtmpAddress:
    """The stream of the stand-in coordinator, at a server of this machine."""
    return RtmpAddress(HOST, port, "live", STREAM_ID)


async def until_media(port: int, seconds_max: float) -> None:
    """Returns when a viewer has media; NotMeasurableError if none ever does."""
    until_s = time.monotonic() + seconds_max
    while time.monotonic() < until_s:
        try:
            await play(url_at(port), seconds=0.0, seconds_max=1.0)
            return
        except PlayError:
            await asyncio.sleep(0.05)
    raise NotMeasurableError(f"no media on port {port} within {seconds_max:g} s")


@asynccontextmanager
async def watching(port: int) -> AsyncIterator[None]:
    """All viewers, from ARRIVAL_S after they came to the end; NotMeasurableError if one is lost."""
    viewers = [asyncio.create_task(_view(port)) for _ in range(VIEWERS)]
    try:
        await asyncio.sleep(ARRIVAL_S)
        yield
        if lost := sum(viewer.done() for viewer in viewers):
            raise NotMeasurableError(f"{lost} of {VIEWERS} viewers lost the stream")
    finally:
        for viewer in viewers:
            viewer.cancel()
        await asyncio.wait(viewers)


async def crowd(port: int) -> None:
    """All viewers come at once, watch for a moment, and are gone at once."""
    async with watching(port):
        pass


async def _view(port: int) -> None:
    """Take everything and look at nothing: a viewer that costs as little as can be."""
    async with connected(HOST, port) as (reader, writer):
        await until_asked((reader, writer), Player(url_at(port)))
        while await reader.read(262_144):
            pass
