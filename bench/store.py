"""`make bench-store`: what the database is asked for, counted at the client, and uptime's maths.

Ten nodes live through a whole day, ten thousand through an hour that holds a settlement; the
hour's operations stand for each of the day's, because nothing in the design depends on the time
of day. A hundred of the nodes send their heartbeats: one that repeats what its roster shows is
asserted to cost nothing, so it does not matter how many do. Every node restarts once a week.
"""

import os
import random
import sys
import time
from statistics import median

import uvloop

from bench.report import Figure, NotMeasurableError, hand_in
from bench.simulations.simulated_day import START_S, Beating, World
from coordinator.documents.bitmaps import transposed
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import SweepBits
from coordinator.sweeping.uptime import minutes_of
from emulator.unread import quiet_when_unread

NODES = int(os.environ.get("NODES", "10000"))
SHARDS = int(os.environ.get("SHARDS", "1"))
WARM_MINUTES, HOUR_MINUTES, DAY_MINUTES = 10, 60, 1_440
BEATS_A_MINUTE = 100
RESTARTS_A_NODE_DAY = 1 / 7
FREE_READS, FREE_WRITES = 50_000, 20_000
DAY_TICKS = range(1_000, 1_000 + DAY_MINUTES)


def main() -> None:
    """Measures, prints, and keeps the figures."""
    figures = uvloop.run(_operations())
    hand_in("bench-store", figures + _uptime())


async def _operations() -> list[Figure]:
    reads, writes = await _an_hour()
    small_reads, small_writes = await _a_small_day()
    per = f"a node-day at {NODES:,} nodes, {SHARDS} shard(s)"
    one_each = "4,400 with a document for each"
    return [
        Figure(f"writes {per}", writes * 24 / NODES, "", "<= 2", one_each),
        Figure(f"reads {per}", reads * 24 / NODES, "", "<= 2", "1,440 and more"),
        Figure("writes a day, 10 nodes", small_writes, "", f"<= {FREE_WRITES}", "free of charge"),
        Figure("reads a day, 10 nodes", small_reads, "", f"<= {FREE_READS}", "free of charge"),
        Figure(
            "reads of a first view without a list, new instance", await _a_view(False), "", "<= 2"
        ),
        Figure("reads of a first view of a list, new instance", await _a_view(True), "", "<= 2"),
        Figure(
            "reads an hour more of an instance whose lists are always asked for", await _lists(), ""
        ),
    ]


async def _an_hour() -> tuple[int, int]:
    """(reads, writes) of an hour of many nodes."""
    world = World(NODES, SHARDS)
    await world.open()
    chance = random.Random(7)
    beating = world.nodes[:BEATS_A_MINUTE]
    for _ in range(WARM_MINUTES):
        await world.minute(beating, [])
    await _assert_beats_are_free(world)
    before = world.operations()
    restarts = 0.0
    for minute in range(HOUR_MINUTES):
        restarts += NODES * RESTARTS_A_NODE_DAY / DAY_MINUTES
        restarting = chance.sample(beating, int(restarts))
        restarts -= len(restarting)
        await world.minute(_still(beating, restarting), restarting)
        if minute % 20 == 19:
            print(f"minute {minute + 1} of {HOUR_MINUTES}", flush=True)
    after = world.operations()
    return after[0] - before[0], after[1] - before[1]


async def _assert_beats_are_free(world: World) -> None:
    """A heartbeat that changes nothing reads nothing and writes nothing."""
    await world.snapshots.swept()
    before = world.operations()
    for node in world.nodes[:BEATS_A_MINUTE]:
        await world.beat(node)
    if world.operations() != before:
        raise NotMeasurableError(f"heartbeats are not free: {before} became {world.operations()}")


async def _a_small_day() -> tuple[int, int]:
    """(reads, writes) of a whole day of ten nodes, every heartbeat sent."""
    world = World(10, 1)
    await world.open()
    for minute in range(DAY_MINUTES):
        restarting = world.nodes[minute % 10 :][:1] if minute % 1_000 == 100 else []
        await world.minute(_still(world.nodes, restarting), restarting)
    reads, writes = world.operations()
    if world.now_s < START_S + 86_400:
        raise NotMeasurableError("the day was not over")
    return reads, writes


def _still(nodes: list[Beating], restarting: list[Beating]) -> list[Beating]:
    return [node for node in nodes if node not in restarting]


async def _a_view(shows_list: bool) -> int:
    """Reads of the first page view of a new instance, with ten nodes; the next ones are free."""
    world = await _small_world()
    world.snapshots.forget()
    view = world.snapshots.now if shows_list else world.snapshots.swept
    before, _ = world.operations()
    await view()
    after, _ = world.operations()
    await view()
    if world.operations()[0] != after:
        raise NotMeasurableError("a second view costs reads")
    return after - before


async def _lists() -> int:
    """What a playlist costs that is always asked for, whatever the size of the network."""
    world, reads = await _small_world(), 0
    for _ in range(HOUR_MINUTES):
        start_s = world.now_s
        await world.minute(world.nodes, [])
        before, _ = world.operations()
        for second in range(60):  # of the minute that the network has just lived through
            world.now_s = start_s + second
            await world.snapshots.now()
        reads += world.operations()[0] - before
        world.now_s = start_s + 60
    return reads


async def _small_world() -> World:
    world = World(10, 1)
    await world.open()
    for _ in range(2):
        await world.minute(world.nodes, [])
    return world


def _uptime() -> list[Figure]:
    """CPU milliseconds for a day of minutes of ten thousand nodes, documents read already."""
    everyone = (1 << NODES) - 1
    chance = random.Random(11)
    down = [_sparse(chance) for _ in DAY_TICKS]
    sweeps = [
        SweepBits(WHOLE, tick, 1, everyone, everyone & ~bits, 0, down=bits)
        for tick, bits in zip(DAY_TICKS, down, strict=True)
    ]
    slots = tuple(
        Slot(f"n{at:019d}", "s3", "http://192.0.2.5/", "192.0.2.5", 1935, 7, 1.0)
        for at in range(NODES)
    )
    rosters = {(WHOLE, 1): Roster(WHOLE, 1, 0.0, slots)}
    counted, whole = [], []
    for _ in range(7):
        start_s = time.process_time()
        up = [column.bit_count() for column in transposed([s.up for s in sweeps], NODES)]
        counted.append((time.process_time() - start_s) * 1000)
        start_s = time.process_time()
        minutes = minutes_of("s3", DAY_TICKS, rosters, sweeps)
        whole.append((time.process_time() - start_s) * 1000)
    if [each.up.bit_count() for each in minutes.values()] != up:
        raise NotMeasurableError("the two ways of counting differ")
    what = f"a day of minutes of {NODES:,} nodes"
    return [
        Figure(f"uptime: {what}", median(counted), "ms CPU", "<= 50", "14,000 ms, JSON documents"),
        Figure(f"every outcome of {what}, as payout counts", median(whole), "ms CPU"),
    ]


def _sparse(chance: random.Random) -> int:
    """One bit in sixteen."""
    bits = (1 << NODES) - 1
    for _ in range(4):
        bits &= chance.getrandbits(NODES)
    return bits


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
