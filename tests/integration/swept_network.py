"""A network that a real sweeper polls over real sockets, minute after minute."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from collector.sweeper import Sweeper
from coordinator.adapters.log import Log
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import Store
from coordinator.epochs import Calendar
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.nodes import Node
from coordinator.sweeping.uptime import minutes_of
from tests.doubles.memory import MemoryStore
from tests.doubles.tcp_server import tcp_server
from tests.integration.stats_servers import stats_of

CALENDAR = Calendar(sweep_seconds=60)
START_TICK = 1_000
NODES = 23


class SweptNetwork:
    """Nodes on one server, a store, and an instance of the collector for each setting."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store: Store = store or MemoryStore()
        self.tick = START_TICK
        self.bytes_sent = 0
        self.collectors: dict[int, Sweeper] = {}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answers for every node, live and with more bytes each time."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            self.bytes_sent += 1
            body = stats_of(path.strip("/"), bytes_in=self.bytes_sent)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()

        async with tcp_server(serve) as self.port:
            yield

    async def announce(self, *numbers: int, state: Any = "running", shards: int = 1) -> None:
        """What the api writes, whose own setting is `shards`, when these nodes beat."""
        now_s = self.tick * 60.0 + 1
        for number in numbers:
            await Measurements(self.store, shards).put_node(
                Node(
                    node_id=f"n{number}",
                    stream_id="s3",
                    stats_url=f"http://127.0.0.1:{self.port}/n{number}",
                    rtmp_host="127.0.0.1",
                    rtmp_port=1935,
                    agent="0.1.0",
                    engine="restream",
                    state=state,
                    joined_s=now_s,
                    changed_s=now_s,
                )
            )

    def collector(self, shards: int) -> Sweeper:
        """A new instance of the collector."""
        return Sweeper(
            Measurements(self.store, shards),
            PollClient(Guard(allow_private=True)),
            CALENDAR,
            lambda: self.tick * 60.0 + 2,
            Log("collector", "ERROR"),
            shards,
        )

    async def minute(
        self, shards: int, *, fresh: bool = False, called: range | None = None
    ) -> list[dict[str, Any]]:
        """One tick of a scheduler with a job for each shard, or each of the called, at once."""
        if fresh or shards not in self.collectors:
            self.collectors[shards] = self.collector(shards)
        sweeper = self.collectors[shards]
        numbers = range(shards) if called is None else called
        async with asyncio.TaskGroup() as calls:  # a process that dies takes all of them along
            swept = [calls.create_task(sweeper.sweep(number)) for number in numbers]
        self.tick += 1
        return [each.result() for each in swept]

    async def minutes(self, ticks: range | None = None) -> dict[str, Minutes]:
        """As the payout would count them; by default all since the beginning."""
        ticks = ticks or range(START_TICK, self.tick)
        measurements = Measurements(self.store)
        sweeps = await measurements.sweep_bits(ticks)
        rosters = await measurements.rosters_of(sweeps, ticks)
        return minutes_of("s3", ticks, rosters, sweeps)
