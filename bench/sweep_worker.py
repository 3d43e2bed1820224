"""The collector's own code over a store in memory, one sweep for each line on its input.

`python -m bench.sweep_worker PORT NODES [COUNT HOSTILE]` answers with a line of JSON per sweep: CPU
and wall seconds, the resident size, and the outcomes. Like uvicorn with the collector, it runs on
uvloop. The nodes have a past and are checked: before each sweep the prober has seen some of them
again. COUNT of them stand at the port HOSTILE.
"""

import asyncio
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import uvloop

import collector.wiring  # noqa: F401 - what the function holds in memory beside its work
from bench.targets import STREAM_ID, host_of, node_id_of
from collector.sweeper import Sweeper
from coordinator.adapters.log import Log
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import Ref, Store
from coordinator.checking.trust_book import TRUST_BOOKS, TrustBook
from coordinator.epochs import HOUR_S, Calendar
from coordinator.projections.history import History
from coordinator.projections.network_document import NetworkDocument
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from tests.doubles.memory import MemoryStore
from tests.populated import network_document

TICK = 29_921_760
CHECKS_A_NODE_AND_MINUTE = 4 / 60


def roster_of(port: int, nodes: int, hostile: int = 0, hostile_port: int = 0) -> Roster:
    """So many nodes, each at an address of its own; the `hostile` ones among them."""
    slots = []
    every = nodes // hostile if hostile else nodes + 1
    for index in range(nodes):
        host = host_of(index)
        at = hostile_port if index % every == 1 and index // every < hostile else port
        url = f"http://{host}:{at}/stats.json"
        slots.append(Slot(node_id_of(host), STREAM_ID, url, host, 1935, TICK - 7, 11.0))
    return Roster(WHOLE, 1, 11.0, tuple(slots))


def rss_mb() -> float:
    """The largest resident size since the first sweep, in megabytes."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def forget_peak() -> None:
    """What it took to make all these nodes up is not the collector's."""
    Path("/proc/self/clear_refs").write_text("5")


def document_of(roster: Roster) -> NetworkDocument:
    """A day and a month of each node, and what its checks have shown, as in a real network."""
    names = [slot.node_id for slot in roster.slots]
    like = network_document(
        len(names) * 16 // 15, TICK * 60.0
    )  # one in 31 of those has no checks yet
    past = dict(zip(names, like.history.nodes.values(), strict=False))
    history = History((TICK * 60) // HOUR_S, past)
    trust = dict(zip(names, like.trust.values(), strict=False))
    return NetworkDocument(WHOLE, TICK, 1.0, roster.slots, {}, trust, history)


async def checks(store: Store, document: NetworkDocument, now_s: list[float]) -> None:
    """What the prober writes in a minute: some nodes more that passed."""
    states, names = dict(document.trust), list(document.trust)
    count, tick = int(len(names) * CHECKS_A_NODE_AND_MINUTE), int(now_s[0] // 60)
    for at in range(count):
        name = names[(tick * count + at) % len(names)]
        passed = states[name].passed + tick - TICK
        states[name] = replace(states[name], passed=passed, last_check_s=now_s[0] - at / 7)
    await store.put(Ref("suspicions", "0"), TRUST_BOOKS.encode(TrustBook(states)))


async def serve(port: int, nodes: int, hostile: int = 0, hostile_port: int = 0) -> None:
    """Sweeps until the input ends."""
    now_s, store = [TICK * 60.0], MemoryStore()
    roster, measurements = roster_of(port, nodes, hostile, hostile_port), Measurements(store)
    document = document_of(roster)
    await measurements.put_roster(roster)
    await measurements.create_sweep(Sweep(WHOLE, TICK, 1, {}), now_s[0])  # goes by the roster
    await measurements.put_network_document(document)
    sweeper = Sweeper(
        measurements,
        PollClient(Guard(allow_private=True)),
        Calendar(),
        lambda: now_s[0],
        Log("collector", "ERROR"),
    )
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    forget_peak()
    print("ready", flush=True)
    while await reader.readline():
        now_s[0] += 60
        await checks(store, document, now_s)
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
    uvloop.run(serve(*map(int, sys.argv[1:])))
