"""A node that has nothing and announces the address of an honest one as its own.

Run as `python -m emulator.cheats.borrowed`.
"""

import asyncio
import os
from dataclasses import replace

import httpx

from emulator.cheats.false_claims import REQUEST_SECONDS_MAX, Setup, heartbeats, run
from emulator.cheats.piped import neighbour
from emulator.cheats.serving import address_of


async def borrowed() -> None:
    """Announces it until killed. Raises CheatError."""
    setup = Setup.from_env(os.environ)
    honest = await neighbour(setup)
    _, rtmp_port = address_of(str(honest["rtmp_url"]))
    claimed = replace(setup, rtmp_port=rtmp_port)
    async with httpx.AsyncClient(timeout=REQUEST_SECONDS_MAX, trust_env=False) as http:
        await asyncio.gather(heartbeats(http, claimed, stats_url=str(honest["stats_url"])))


if __name__ == "__main__":
    run(borrowed)
