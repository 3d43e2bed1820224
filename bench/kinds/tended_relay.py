"""A relay as an agent tends it: it is started anew when it ends, or when something ails it.

`python -m bench.kinds.tended_relay FOLDER PORT STREAM [UPSTREAM_PORT]`, until it is ended.
rtmp_relay gives newcomers no codec headers once its upstream was lost; honest nodes have an agent
that sees to it.
"""

import asyncio
import random
import sys
import time
from pathlib import Path

from agent.endpoints import resolve_ipv4
from agent.relay.engines.engine import RelayTask
from agent.relay.engines.rtmp_relay import RtmpRelay
from agent.relay.meter import Meter
from agent.relay.relay_supervisor import RelaySupervisor
from emulator.processes.ports import LOOPBACK
from rtmp.addresses import RtmpAddress


async def tend(folder: Path, port: int, stream: str, upstream_port: int | None) -> None:
    """For ever."""
    pulled = RtmpAddress(LOOPBACK, upstream_port, "live", stream) if upstream_port else None
    relay, chance = RtmpRelay(folder), random.SystemRandom().random
    supervisor = RelaySupervisor(relay, Meter(stream), resolve_ipv4, time.monotonic, chance)
    supervisor.assign(RelayTask(LOOPBACK, port, stream, pulled))
    await supervisor.run()


if __name__ == "__main__":
    where, own_port, name, *source = sys.argv[1:]
    asyncio.run(tend(Path(where), int(own_port), name, int(source[0]) if source else None))
