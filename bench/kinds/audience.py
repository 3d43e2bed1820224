"""Viewers of one node, who take everything and look at nothing.

`python -m bench.kinds.audience HOST PORT NAME COUNT`, until it is ended.
"""

import asyncio
import contextlib
import sys

from agent.player import connected, until_asked
from rtmp.addresses import RtmpAddress
from rtmp.errors import RtmpError
from rtmp.player import Player

BACK_AFTER_S = 1.0
READ_BYTES = 262_144


async def watch(address: RtmpAddress) -> None:
    """For ever: who loses the stream comes back."""
    while True:
        with contextlib.suppress(OSError, EOFError, RtmpError):
            async with connected(address.host, address.port) as (reader, writer):
                await until_asked((reader, writer), Player(address))
                while await reader.read(READ_BYTES):
                    pass
        await asyncio.sleep(BACK_AFTER_S)


async def main(address: RtmpAddress, count: int) -> None:
    """All of them."""
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(watch(address))


if __name__ == "__main__":
    host, port, name, viewers = sys.argv[1:5]
    asyncio.run(main(RtmpAddress(host, int(port), "live", name), int(viewers)))
