"""A node that serves a recording of the stream, over and over, and saves itself the download.

Run as `python -m emulator.cheats.loop`. Every packet it serves was once the ingest's; none is now.
"""

import asyncio
import os
from pathlib import Path

from emulator.cheats.false_claims import CheatError, Setup, run
from emulator.cheats.serving import FFMPEG, child, ingest_url, pretend, scratch

RECORDING_SECONDS = 27
"""Longer than the 25 s in which a packet still is of the stream of now: it is not merely late."""
RECORDING_SECONDS_MAX = RECORDING_SECONDS * 3


async def loop() -> None:
    """Records, then serves the loop and claims to be healthy. Raises CheatError."""
    setup = Setup.from_env(os.environ)
    async with scratch(setup) as folder:
        recording = folder / "recording.flv"
        await _record(await ingest_url(setup), recording)
        print("recorded; serving the loop", flush=True)
        await pretend(setup, ("-re", "-stream_loop", "-1", "-i", str(recording), "-c", "copy"))


async def _record(url: str, recording: Path) -> None:
    """Takes some of the live stream, like any viewer."""
    options = ("-i", url, "-c", "copy", "-t", str(RECORDING_SECONDS), "-y", str(recording))
    async with asyncio.timeout(RECORDING_SECONDS_MAX), child(*FFMPEG, *options) as ffmpeg:
        if status := await ffmpeg.wait():
            raise CheatError(f"the stream could not be recorded: ffmpeg ended with {status}")


if __name__ == "__main__":
    run(loop)
