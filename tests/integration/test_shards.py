"""The shards are divided anew under a running network: the real sweeper, real sockets, no gap."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from collector.sweeping import Sweeper
from coordinator.adapters.log import Log
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.records import Measurements
from coordinator.epochs import Calendar
from coordinator.keys import shard_of
from coordinator.polling.minutes import Minutes
from coordinator.polling.nodes import Node
from coordinator.polling.rosters import COMPACT_AT_GONE
from coordinator.polling.shards import LEAD_TICKS, SETTLED_AFTER_TICKS
from coordinator.polling.uptime import minutes_of
from tests.doubles.memory import MemoryStore
from tests.integration.test_collector import _serving, _stats

CALENDAR = Calendar(sweep_seconds=60)
START_TICK = 1_000
NODES = 23


class _Network:
    """Nodes on one server, a store, and an instance of the collector for each setting."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.tick = START_TICK
        self.bytes_sent = 0
        self.collectors: dict[int, Sweeper] = {}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            self.bytes_sent += 1
            body = _stats(path.strip("/"), bytes_in=self.bytes_sent)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()

        async with _serving(serve) as self.port:
            yield

    async def announce(self, number: int, *, shards: int, state: Any = "running") -> None:
        now_s = self.tick * 60.0 + 1
        await Measurements(self.store, shards).put_node(
            Node(
                node_id=f"n{number}",
                stream_id="s3",
                stats_url=f"http://127.0.0.1:{self.port}/n{number}",
                rtmp_host="127.0.0.1",
                rtmp_port=1935,
                agent="0.1.0",
                engine="nginx-rtmp",
                state=state,
                joined_s=now_s,
                changed_s=now_s,
            )
        )

    async def minute(self, shards: int, *, fresh: bool = False) -> list[dict[str, Any]]:
        """One tick of a scheduler with a job for each shard, all at once."""
        if fresh or shards not in self.collectors:
            self.collectors[shards] = Sweeper(
                Measurements(self.store, shards),
                PollClient(Guard(allow_private=True)),
                CALENDAR,
                lambda: self.tick * 60.0 + 2,
                Log("collector", "ERROR"),
                shards,
            )
        sweeper = self.collectors[shards]
        summaries = await asyncio.gather(*(sweeper.sweep(i) for i in range(shards)))
        self.tick += 1
        return summaries

    async def minutes(self) -> dict[str, Minutes]:
        """As the payout would count them."""
        ticks = range(START_TICK, self.tick)
        measurements = Measurements(self.store)
        sweeps = await measurements.sweep_bits(ticks)
        rosters = await measurements.rosters_of(sweeps, ticks)
        return minutes_of("s3", ticks, rosters, sweeps)


@pytest.mark.parametrize(("before", "after"), [(1, 16), (16, 3), (3, 1), (2, 3)])
async def test_dividing_anew_loses_no_minute(before: int, after: int) -> None:
    """Every node is up in every minute, measured each time, under one shard or another."""
    network = _Network()
    async with network.serving():
        for number in range(NODES):
            await network.announce(number, shards=before)
        while network.tick < START_TICK + LEAD_TICKS + SETTLED_AFTER_TICKS + 3:
            await network.minute(before)
        for _ in range(LEAD_TICKS + 3):
            await network.minute(after)
    everything = (1 << network.tick - START_TICK) - 1
    assert await network.minutes() == {
        f"n{number}": Minutes(due=everything, up=everything) for number in range(NODES)
    }
    latest = await Measurements(network.store, after).latest_sweeps()
    assert sorted(sweep.shard for sweep in latest) == list(range(after))
    totals = [poll.minutes_up for sweep in latest for poll in sweep.polls.values()]
    assert totals == [network.tick - START_TICK] * NODES


async def test_a_node_that_joins_or_leaves_meanwhile_is_noticed_once() -> None:
    """Also when an instance of the api that knows only the old shards wrote it."""
    network = _Network()
    async with network.serving():
        await network.announce(0, shards=1)
        await network.minute(1)
        await network.announce(1, shards=1)
        for _ in range(LEAD_TICKS):
            await network.minute(3)  # the jobs are there, the old shard is swept till the end
        await network.announce(2, shards=1)
        await network.announce(3, shards=3)
        await network.announce(0, shards=1, state="leaving")
        await network.minute(3)
        await network.minute(3)
    minutes = await network.minutes()
    old, new = (1 << LEAD_TICKS + 1) - 1, 0b11 << LEAD_TICKS + 1
    assert {node_id: m.due for node_id, m in minutes.items()} == {
        "n0": old,
        "n1": old - 1 + new,
        "n2": new,
        "n3": new,
    }
    assert all(m.up == m.due and not m.unknown for m in minutes.values())


async def test_half_deployed_jobs_leave_the_old_shards_swept() -> None:
    """Five shards are set, but only three of their jobs exist: the old layout stays in force."""
    network = _Network()
    async with network.serving():
        for number in range(NODES):
            await network.announce(number, shards=1)
        await network.minute(1)
        settled = network.tick + LEAD_TICKS + SETTLED_AFTER_TICKS + 1
        while network.tick < settled:
            await network.minute(5)
        sweeper = Sweeper(
            Measurements(network.store, 7),
            PollClient(Guard(allow_private=True)),
            CALENDAR,
            lambda: network.tick * 60.0 + 2,
            Log("collector", "ERROR"),
            7,
        )
        for _ in range(3):
            for caller in range(5):
                await sweeper.sweep(caller)
            network.tick += 1
    everything = (1 << network.tick - START_TICK) - 1
    minutes = await network.minutes()
    assert len(minutes) == NODES
    assert all(m == Minutes(due=everything, up=everything) for m in minutes.values())


async def test_minutes_in_which_nothing_was_swept_are_our_fault_under_either_layout() -> None:
    """Also when the outage covers the change itself."""
    network = _Network()
    async with network.serving():
        for number in range(NODES):
            await network.announce(number, shards=1)
        await network.minute(1)
        await network.minute(3)  # all called: three shards, LEAD_TICKS from now
        silent = LEAD_TICKS + 2
        network.tick += silent
        await network.minute(3, fresh=True)
    minutes = await network.minutes()
    assert len(minutes) == NODES
    unknown = (1 << silent) - 1 << 2
    everything = (1 << silent + 3) - 1
    expected = Minutes(due=everything, up=everything - unknown, unknown=unknown)
    assert set(minutes.values()) == {expected}


async def test_every_instance_of_a_shard_goes_on_where_another_stopped() -> None:
    """An instance that swept last reads nothing back; a new one finds the same."""
    network = _Network()
    async with network.serving():
        for number in range(NODES):
            await network.announce(number, shards=2)
        for at in range(6):
            await network.minute(2, fresh=at % 2 == 0)
        for _ in range(LEAD_TICKS):
            await network.minute(2)
    latest = await Measurements(network.store, 2).latest_sweeps()
    assert sum(len(sweep.polls) for sweep in latest) == NODES
    for sweep in latest:
        roster = await Measurements(network.store).roster(sweep.shard, sweep.roster_version)
        for at, poll in sweep.polls.items():
            assert shard_of(roster.slots[at].node_id, 2) == sweep.shard
            assert poll.minutes_up == 6 + LEAD_TICKS


async def test_a_roster_full_of_the_departed_is_compacted() -> None:
    """Under a new version that the sweep names; minutes go on, old versions stay readable."""
    network = _Network()
    gone = COMPACT_AT_GONE + 3
    async with network.serving():
        await network.announce(0, shards=1)
        for number in range(1, gone + 1):
            await network.announce(number, shards=1)
        await network.minute(1)
        network.tick += 1
        for number in range(1, gone + 1):
            await network.announce(number, shards=1, state="leaving")
        await network.minute(1)
        network.tick += 1_440 + 1
        await network.announce(gone + 1, shards=1)
        summaries = [*await network.minute(1), *await network.minute(1, fresh=True)]
    assert [summary["result"] for summary in summaries] == ["swept", "swept"]
    (sweep,) = await Measurements(network.store).latest_sweeps()
    assert sweep.roster_version == network.tick - 2
    roster = await Measurements(network.store).roster(0, sweep.roster_version)
    assert [slot.node_id for slot in roster.slots] == ["n0", f"n{gone + 1}"]
    assert sweep.polls[0].minutes_up == 4
    old = await Measurements(network.store).roster(0)
    assert (len(old.slots), old.until_tick) == (gone + 1, sweep.roster_version)
    minutes = await network.minutes()
    assert minutes["n0"].due == (1 << network.tick - START_TICK) - 1
    assert minutes["n0"].up.bit_count() == 4
    assert minutes["n5"] == Minutes(due=0b11, up=0b01, unknown=0b10)


@pytest.mark.parametrize("fresh", [False, True])
async def test_an_hour_is_rolled_up_once_it_is_over(fresh: bool) -> None:
    """By the instance that swept it, from memory; by a new one, from the documents."""
    network = _Network()
    network.tick = START_TICK // 60 * 60 + 55
    async with network.serving():
        for number in range(3):
            await network.announce(number, shards=1)
        hour = network.tick // 60
        for minute in range(8):
            await network.minute(1, fresh=fresh and minute == 6)
    (rollup,) = await Measurements(network.store).rollups(range(hour, hour + 1))
    counts = {node_id: (n.due, n.up, n.unknown) for (node_id, _), n in rollup.nodes.items()}
    assert counts == {"n0": (5, 5, 0), "n1": (5, 5, 0), "n2": (5, 5, 0)}
