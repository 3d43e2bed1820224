"""A node without a relay: whoever calls is connected through to somebody who has one.

Run as `python -m emulator.cheats.piped KIND`:

- `ingest`: a TCP forwarder to the ingest, all the time
- `neighbour`: a TCP forwarder to an honest node out of the public list
- `half`: the ingest, but cut off half of the time, at random
- `polled`: the ingest, but only for some seconds after its statistics were asked for
- `stall`: every connection falls silent after 100 kB; `stall-late`: after 500 kB
- `trickle`: 8 kB a second; `drip`: one byte a second
"""

import asyncio
import os
import random
import sys
import time
from dataclasses import dataclass
from typing import Any

from emulator.cheats.false_claims import CheatError, FalseClaims, Setup, node_id_of, run
from emulator.cheats.serving import address_of, ingest_url, public
from emulator.link import Link, Shape

HALF_PERIOD_S = 20.0
"""A new toss of the coin each time."""
POLLED_SERVES_S = 10.0
SHAPES = {
    "stall": Shape(bytes_max=100_000),
    "stall-late": Shape(bytes_max=500_000),
    "trickle": Shape(bytes_per_s=8_000),
    "drip": Shape(bytes_per_s=1),
}


@dataclass(slots=True)
class Coin:
    """Open or closed, a new toss each HALF_PERIOD_S; nothing can be foretold from outside."""

    seed: int

    def is_open(self) -> bool:
        """Whether this period's toss came out open."""
        period = int(time.time() // HALF_PERIOD_S)
        return random.Random(f"{self.seed}|{period}").random() < 0.5


async def piped() -> None:
    """Forwards until killed. Raises CheatError."""
    setup, kind = Setup.from_env(os.environ), sys.argv[1]
    claims = FalseClaims(setup, time.time())
    is_open = {
        "half": Coin(random.getrandbits(64)).is_open,
        "polled": lambda: time.time() - claims.polled_s < POLLED_SERVES_S,
    }.get(kind, lambda: True)
    url = await (_neighbour(setup) if kind == "neighbour" else ingest_url(setup))
    link = Link(address_of(url), SHAPES.get(kind, Shape()), is_open)
    await asyncio.gather(link.serve((setup.bind_address, setup.rtmp_port)), claims.run())


async def _neighbour(setup: Setup) -> str:
    return str((await neighbour(setup))["rtmp_url"])


async def neighbour(setup: Setup) -> dict[str, Any]:
    """An honest node, as the public list tells it. Raises CheatError."""
    nodes = (await public(setup, "/nodes"))["nodes"]
    own = node_id_of(setup.key)
    for node in nodes:
        is_other = node["node_id"] != own and node["stream_id"] == setup.stream_id
        if is_other and node["status"] == "healthy":
            return dict(node)
    raise CheatError("there is no healthy node to borrow from yet")


if __name__ == "__main__":
    run(piped)
