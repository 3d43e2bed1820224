"""What a node adds to the relay alone: latency, and CPU with many viewers."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

from agent.doctor.rtmp_player import PlayError, play, request, shake
from agent.streams import RtmpUrl
from tests.e2e.agent_stand_ins import HOST, STREAM_ID, Watched, free_port

VIEWERS = 200
ARRIVAL_S = 2.0
LOAD_S = 10.0
ROUNDS = 3
LATENCY_S = 10.0
START_S_MAX = 20.0
_TICKS_A_S = os.sysconf("SC_CLK_TCK")
_BARE = """\
daemon off; master_process off; error_log stderr crit; pid nginx.pid;
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
events {{ worker_connections 4096; }}
rtmp {{ access_log off; server {{
    listen {host}:{port};
    application live {{ live on; pull rtmp://{host}:{ingest}/live/{name} name={name} static; }}
}} }}
"""


def _url(port: int) -> RtmpUrl:
    return RtmpUrl(HOST, port, "live", STREAM_ID)


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_S


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

        await play(_url(port), LATENCY_S, LATENCY_S + 5, hear)

    await asyncio.gather(*(listen(port) for port in heard))
    later = [
        (there[0] - here[0]) * 1000
        for body, here in heard[ingest_port].items()
        if len(here) == 1 and len(there := heard[node_port].get(body, [])) == 1
    ]
    return quantiles(later, n=20)[-1]


@dataclass(frozen=True)
class Load:
    """What VIEWERS cost, and what they cost nginx-rtmp alone; CPU in seconds."""

    ours_s: float
    bare_s: float
    arrival_ours_s: float
    arrival_agent_s: float
    arrival_bare_s: float

    @property
    def ratio(self) -> float:
        """While they watch."""
        return self.ours_s / self.bare_s

    @property
    def arrival_ratio(self) -> float:
        """While they come in, each of whom the relay asks the agent about."""
        return self.arrival_ours_s / self.arrival_bare_s

    @property
    def agent_ms_an_arrival(self) -> float:
        """Of the agent's own CPU."""
        return self.arrival_agent_s * 1000 / (VIEWERS * ROUNDS)


def load(folder: Path, ingest_port: int, node_port: int, agent: int, relay: int) -> Load:
    """CPU of our processes and of nginx-rtmp alone, each with its viewers, in turn.

    `agent` and `relay` are process ids.
    """
    folder.mkdir()
    port = free_port()
    config = _BARE.format(host=HOST, port=port, ingest=ingest_port, name=STREAM_ID)
    (folder / "nginx.conf").write_text(config)
    us: list[_Used] = []
    them: list[_Used] = []
    with ExitStack() as stack:
        bare = Watched(["nginx", "-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr"])
        stack.callback(bare.stop)
        asyncio.run(_until_media(port))
        for _ in range(ROUNDS):
            them.append(asyncio.run(_watched(port, (bare.process.pid,))))
            us.append(asyncio.run(_watched(node_port, (agent, relay))))
    return Load(
        ours_s=sum(sum(used.watching_s) for used in us),
        bare_s=sum(sum(used.watching_s) for used in them),
        arrival_ours_s=sum(sum(used.arriving_s) for used in us),
        arrival_agent_s=sum(used.arriving_s[0] for used in us),
        arrival_bare_s=sum(sum(used.arriving_s) for used in them),
    )


async def _until_media(port: int) -> None:
    until_s = time.monotonic() + START_S_MAX
    while True:
        try:
            await play(_url(port), seconds=0.0, seconds_max=1.0)
            return
        except PlayError:
            if time.monotonic() > until_s:
                raise
            await asyncio.sleep(0.1)


class _Used(NamedTuple):
    """Seconds of CPU, by process."""

    arriving_s: list[float]
    watching_s: list[float]


async def _watched(port: int, pids: tuple[int, ...]) -> _Used:
    """What the processes use while all viewers come in, and for LOAD_S while they watch."""
    at_first = [cpu_s(pid) for pid in pids]
    async with _viewers(port) as viewers:
        await asyncio.sleep(ARRIVAL_S)
        before = [cpu_s(pid) for pid in pids]
        await asyncio.sleep(LOAD_S)
        after = [cpu_s(pid) for pid in pids]
        gone = sum(viewer.done() for viewer in viewers)
    if gone:
        raise PlayError(f"{gone} of {VIEWERS} viewers lost the stream")
    return _Used(_grown(at_first, before), _grown(before, after))


def _grown(before: list[float], after: list[float]) -> list[float]:
    return [a - b for b, a in zip(before, after, strict=True)]


async def crowd(port: int) -> None:
    """All viewers come at once, watch for a moment, and are gone at once."""
    async with _viewers(port) as viewers:
        await asyncio.sleep(ARRIVAL_S)
        if gone := sum(viewer.done() for viewer in viewers):
            raise PlayError(f"{gone} of {VIEWERS} viewers did not get the stream")


@asynccontextmanager
async def _viewers(port: int) -> AsyncIterator[list[asyncio.Task[None]]]:
    viewers = [asyncio.create_task(_view(port)) for _ in range(VIEWERS)]
    try:
        yield viewers
    finally:
        for viewer in viewers:
            viewer.cancel()
        await asyncio.wait(viewers)


async def _view(port: int) -> None:
    """Take everything and look at nothing: a viewer that costs as little as can be."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        await shake(reader, writer)
        await request(writer, _url(port))
        while await reader.read(262_144):
            pass
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
