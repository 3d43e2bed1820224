"""A node that serves the stream some seconds late, as one that buys it from a cheap buffer would.

Run as `python -m emulator.cheats.delayed SECONDS`.
"""

import asyncio
import os
import sys
import time
from collections import deque

from emulator.cheats.false_claims import CheatError, FalseClaims, Setup, run
from emulator.cheats.serving import FFMPEG, child, ingest_url, own_url, scratch, serve

READ_BYTES = 16_384
BYTES_MAX = 64 * 1024 * 1024
"""What may wait: 70 s of 7 Mbit/s."""


async def delayed() -> None:
    """Serves it until killed. Raises CheatError."""
    setup, seconds = Setup.from_env(os.environ), float(sys.argv[1])
    url = await ingest_url(setup)
    async with scratch(setup) as folder:
        await asyncio.gather(
            serve(setup, folder), _relay(setup, url, seconds), FalseClaims(setup, time.time()).run()
        )


async def _relay(setup: Setup, url: str, seconds: float) -> None:
    """ffmpeg, a line of waiting bytes, ffmpeg."""
    pull = (*FFMPEG, "-fflags", "nobuffer", "-i", url, "-c", "copy", "-flush_packets", "1")
    copy = tuple(option for option in FFMPEG if option != "-nostdin")
    push = (*copy, "-f", "flv", "-i", "pipe:0", "-c", "copy", "-f", "flv", await own_url(setup))
    async with (
        child(*pull, "-f", "flv", "pipe:1", stdout=asyncio.subprocess.PIPE) as puller,
        child(*push, stdin=asyncio.subprocess.PIPE) as pusher,
    ):
        if puller.stdout is None or pusher.stdin is None:
            raise CheatError("ffmpeg has no pipe")
        await _wait_line(puller.stdout, pusher.stdin, seconds)
    raise CheatError("the stream ended")


async def _wait_line(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    """Moves bytes, each `seconds` after it came, until the reader ends."""
    waiting: deque[tuple[float, bytes]] = deque()
    held, ended = 0, False

    async def give() -> None:
        nonlocal held
        while waiting or not ended:
            if not waiting or waiting[0][0] > time.monotonic():
                await asyncio.sleep(0.01)
                continue
            _, data = waiting.popleft()
            held -= len(data)
            writer.write(data)
            await writer.drain()

    giving = asyncio.create_task(give())
    while data := await reader.read(READ_BYTES):
        held += len(data)
        if held > BYTES_MAX:
            raise CheatError("too much waits")
        waiting.append((time.monotonic() + seconds, data))
    ended = True
    await giving


if __name__ == "__main__":
    run(delayed)
