"""How soon a viewer who comes at any time has a picture."""

import asyncio
import random
import statistics
import time

from agent.player import connected, until_asked
from bench.node.relay_scene import KEY_EVERY_S
from bench.node.viewers import url_at
from bench.report import NotMeasurableError
from rtmp.flv import PayloadKind, payload_of
from rtmp.messages import Message, MessageKind
from rtmp.player import Player
from tests.e2e.watched import HOST

ARRIVALS = 200
WITHIN_S = 5.0 * KEY_EVERY_S
_PICTURE_S_MAX = 10.0
_READ_BYTES = 262_144


async def first_key_frames_ms(port: int, seed: int) -> float:
    """The 95th percentile of ARRIVALS, from the connection to the first whole key frame."""
    chance = random.Random(seed)
    moments_s = [chance.uniform(0, WITHIN_S) for _ in range(ARRIVALS)]
    try:
        waits_ms = await asyncio.gather(*(_come(port, moment_s) for moment_s in moments_s))
    except (OSError, EOFError, TimeoutError) as e:
        raise NotMeasurableError(f"a viewer of port {port} never had a picture: {e!r}") from e
    return statistics.quantiles(waits_ms, n=20)[-1]


async def _come(port: int, moment_s: float) -> float:
    await asyncio.sleep(moment_s)
    begun_s, player = time.monotonic(), Player(url_at(port))
    async with asyncio.timeout(_PICTURE_S_MAX), connected(HOST, port) as streams:
        await until_asked(streams, player)
        while True:
            data = await streams[0].read(_READ_BYTES)
            if not data:
                raise EOFError("it closed the connection")
            player.feed(data)
            while (event := player.next_event()) is not None:
                if isinstance(event, Message) and _is_key_frame(event):
                    return (time.monotonic() - begun_s) * 1000


def _is_key_frame(message: Message) -> bool:
    payload = payload_of(message) if message.kind == MessageKind.VIDEO else None
    return payload is not None and payload.kind is PayloadKind.FRAMES and payload.is_key
