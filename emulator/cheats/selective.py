"""A node that serves some of those who call, or not for long: it forwards to the ingest.

Run as `python -m emulator.cheats.selective KIND`:

- `refuses-first`: closes a connection unless another one came in the last 20 s
- `cuts-16`, `cuts-60`: cuts every connection after so many seconds
- `rate-0.9`: a line of nine tenths of the stream's rate: its viewers fall behind for ever
- `nothing`: answers like a relay that waits for a key frame, and never sends one
- `fingerprint`: serves who does not say hello as ffmpeg does, since that may be a check
"""

import asyncio
import os
import sys
import time
from dataclasses import dataclass

from emulator.cheats.false_claims import FalseClaims, Setup, run
from emulator.cheats.serving import address_of, ingest_url
from emulator.link import Admit, Link, Shape, everybody

LATELY_S = 20.0
HELLO_BYTES = 1 + 1536
"""C0 and C1 of RTMP's handshake."""
FFMPEG_VERSION = bytes.fromhex("09007c02")
"""Of the player that ffmpeg, mpv and VLC say they are, in bytes 5 to 8 of their hello."""
ANSWERS_BYTES = 3_700
"""The handshake and the answers up to `play`: the first picture begins about there."""
SHAPES = {
    "cuts-16": Shape(seconds_max=16),
    "cuts-60": Shape(seconds_max=60),
    "rate-0.9": Shape(share=0.9),
    "nothing": Shape(bytes_max=ANSWERS_BYTES),
}


@dataclass(slots=True)
class SecondCaller:
    """Turns away whoever comes alone."""

    _last_s: float = -LATELY_S

    async def __call__(self, _: asyncio.StreamReader) -> bytes | None:
        """Nothing is read of a caller."""
        now_s = time.monotonic()
        is_expected = now_s - self._last_s < LATELY_S
        self._last_s = now_s
        return b"" if is_expected else None


async def no_player(reader: asyncio.StreamReader) -> bytes | None:
    """Turns away who says hello as players do."""
    hello = await reader.readexactly(HELLO_BYTES)
    return None if hello[5:9] == FFMPEG_VERSION else hello


async def selective() -> None:
    """Forwards until killed. Raises CheatError."""
    setup, kind = Setup.from_env(os.environ), sys.argv[1]
    admits: dict[str, Admit] = {"refuses-first": SecondCaller(), "fingerprint": no_player}
    upstream = address_of(await ingest_url(setup))
    link = Link(upstream, SHAPES.get(kind, Shape()), admit=admits.get(kind, everybody))
    at = (setup.bind_address, setup.rtmp_port)
    await asyncio.gather(link.serve(at), FalseClaims(setup, time.time()).run())


if __name__ == "__main__":
    run(selective)
