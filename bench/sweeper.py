"""The collector's own code over a store in memory, one sweep for each line on its input.

`python -m bench.sweeper PORT NODES` answers with a line of JSON per sweep: CPU and wall seconds,
the resident size, and the outcomes. uvicorn runs the collector on uvloop, and so does this.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop

import collector.wiring  # noqa: F401 - what the function holds in memory beside its work
from bench.targets import STREAM_ID, host_of, node_id_of
from collector.sweeping import Sweeper
from coordinator.adapters.log import Log
from coordinator.adapters.memory import MemoryStore
from coordinator.adapters.outbound import Outbound
from coordinator.adapters.records import Measurements
from coordinator.epochs import Calendar
from coordinator.rosters import Roster, Slot

TICK = 29_921_760


def roster_of(port: int, nodes: int) -> Roster:
    """So many nodes, each at an address of its own."""
    slots = []
    for index in range(nodes):
        host = host_of(index)
        url = f"http://{host}:{port}/stats.json"
        slots.append(Slot(node_id_of(host), STREAM_ID, url, host, 1935, TICK - 7, 11.0))
    return Roster(0, 1, 11.0, tuple(slots))


def rss_mb() -> float:
    """The largest resident size so far, in megabytes."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


async def serve(port: int, nodes: int) -> None:
    """Sweeps until the input ends."""
    now_s = [TICK * 60.0]
    measurements = Measurements(MemoryStore())
    await measurements.put_roster(roster_of(port, nodes))
    sweeper = Sweeper(
        measurements,
        Outbound(allow_private=True),
        Calendar(),
        lambda: now_s[0],
        Log("collector", "ERROR"),
    )
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    print("ready", flush=True)
    while await reader.readline():
        now_s[0] += 60
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        summary = await sweeper.sweep(0)
        told = {
            "cpu_s": time.process_time() - cpu_s,
            "wall_s": time.perf_counter() - wall_s,
            "rss_mb": rss_mb(),
            "polled": summary["polled"],
            "outcomes": summary["outcomes"],
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
