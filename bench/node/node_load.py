"""What a node adds to the relay alone: latency, and CPU with many viewers."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from agent.player import play
from bench.node.chaos_scene import Scene
from bench.node.viewers import VIEWERS, until_media, url_at, watching
from bench.processes import cpu_s, pinned, two_cores
from tests.e2e.coordinator_stand_in import STREAM_ID
from tests.e2e.watched import HOST, Watched
from tests.ports import free_port

LOAD_S = 10.0
ROUNDS = 8
LATENCY_S = 10.0
START_S_MAX = 20.0
_BARE = """\
daemon off; master_process off; error_log stderr crit; pid nginx.pid;
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
events {{ worker_connections 4096; }}
rtmp {{ access_log off; server {{
    listen {host}:{port};
    application live {{ live on; pull rtmp://{host}:{ingest}/live/{name} name={name} static; }}
}} }}
"""


def resident_mb(pid: int) -> float:
    """Megabytes of memory that a process holds now."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6


async def latency_ms(ingest_port: int, node_port: int) -> float:
    """The 95th percentile of how much later a packet comes from the node than from the ingest.

    Only packets that came exactly once from both are compared.
    """
    heard: dict[int, dict[bytes, list[float]]] = {ingest_port: {}, node_port: {}}

    async def listen(port: int) -> None:
        def hear(body: bytes) -> None:
            heard[port].setdefault(body, []).append(time.monotonic())

        await play(url_at(port), LATENCY_S, LATENCY_S + 5, hear)

    await asyncio.gather(*(listen(port) for port in heard))
    later = [
        (there[0] - here[0]) * 1000
        for body, here in heard[ingest_port].items()
        if len(here) == 1 and len(there := heard[node_port].get(body, [])) == 1
    ]
    return quantiles(later, n=20)[-1]


class Spent(NamedTuple):
    """CPU seconds of one side in one round, by process."""

    arriving_s: list[float]
    watching_s: list[float]


@dataclass(frozen=True)
class Load:
    """What VIEWERS cost, and what they cost nginx-rtmp alone: (agent and relay, bare) by round."""

    rounds: list[tuple[Spent, Spent]]

    @property
    def ratio(self) -> float:
        """While they watch: the median of the rounds' own ratios."""
        return median(sum(us.watching_s) / sum(bare.watching_s) for us, bare in self.rounds)

    @property
    def relay_ratio(self) -> float:
        """The same without the agent."""
        return median(us.watching_s[1] / sum(bare.watching_s) for us, bare in self.rounds)

    @property
    def arrival_ratio(self) -> float:
        """While they come in, each of whom the relay asks the agent about."""
        return median(sum(us.arriving_s) / sum(bare.arriving_s) for us, bare in self.rounds)

    @property
    def agent_ms_an_arrival(self) -> float:
        """Of the agent's own CPU."""
        return median(us.arriving_s[0] for us, _ in self.rounds) * 1000 / VIEWERS


def load(scene: Scene) -> Load:
    """CPU of a node and of nginx-rtmp alone, each with its viewers, in turn.

    The measured processes share one core; viewers, ingest and publisher have the other. Who comes
    first changes from round to round, so that whatever drifts hits both.
    """
    client_core, server_core = two_cores()
    node = scene.nodes[0]
    ours = (node.process.pid, node.relay_pid())
    others = [scene.publisher.process.pid, scene.ingest.process.pid, scene.ingest.relay_pid()]
    rounds = []
    with (
        bare_nginx(scene.folder, scene.ingest_port) as (alone, port),
        pinned(server_core, [*ours, alone]),
        pinned(client_core, [os.getpid(), *others]),
    ):
        for number in range(ROUNDS):
            sides = [(node.rtmp_port, ours), (port, (alone,))]
            order = sides if number % 2 else sides[::-1]
            spent = {at: asyncio.run(_spent(at, pids)) for at, pids in order}
            rounds.append((spent[node.rtmp_port], spent[port]))
            print(f"{VIEWERS} viewers, round {number + 1} of {ROUNDS}", flush=True)
    return Load(rounds)


@contextmanager
def bare_nginx(within: Path, ingest_port: int) -> Iterator[tuple[int, int]]:
    """nginx-rtmp alone, pulling the same stream: (its process id, its port)."""
    folder, port = within / "bare", free_port()
    folder.mkdir()
    config = _BARE.format(host=HOST, port=port, ingest=ingest_port, name=STREAM_ID)
    (folder / "nginx.conf").write_text(config)
    peer = Watched(["nginx", "-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr"])
    try:
        asyncio.run(until_media(port, START_S_MAX))
        yield peer.process.pid, port
    finally:
        peer.stop()


async def _spent(port: int, pids: tuple[int, ...]) -> Spent:
    """What the processes use while all viewers come in, and for LOAD_S while they watch."""
    at_first = [cpu_s(pid) for pid in pids]
    async with watching(port):
        before = [cpu_s(pid) for pid in pids]
        await asyncio.sleep(LOAD_S)
        after = [cpu_s(pid) for pid in pids]
    return Spent(_grown(at_first, before), _grown(before, after))


def _grown(before: list[float], after: list[float]) -> list[float]:
    return [a - b for b, a in zip(before, after, strict=True)]
