"""What becomes of a roster and of an hour of sweeps as time goes on: the real sweeper."""

import asyncio

import pytest

from coordinator.adapters.records import Measurements
from coordinator.sweeping.compaction import COMPACT_AT_GONE
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.shards import WHOLE
from tests.integration.swept_network import START_TICK, SweptNetwork

GONE = COMPACT_AT_GONE + 3


async def _full_of_the_departed(network: SweptNetwork) -> None:
    """One node stays, so many others have left more than a day ago."""
    await network.announce(0, *range(1, GONE + 1))
    await network.minute(1)
    network.tick += 1
    await network.announce(*range(1, GONE + 1), state="leaving")
    await network.minute(1)
    network.tick += 1_440 + 1


async def test_a_roster_full_of_the_departed_is_compacted() -> None:
    """Under a new version that the sweep names; minutes go on, old versions stay readable."""
    network = SweptNetwork()
    async with network.serving():
        await _full_of_the_departed(network)
        await network.announce(GONE + 1)
        summaries = [*await network.minute(1), *await network.minute(1, fresh=True)]
    assert [summary["result"] for summary in summaries] == ["swept", "swept"]
    (sweep,) = await Measurements(network.store).latest_sweeps()
    assert sweep.roster_version == network.tick - 2
    roster = await Measurements(network.store).roster(WHOLE, sweep.roster_version)
    assert [slot.node_id for slot in roster.slots] == ["n0", f"n{GONE + 1}"]
    assert sweep.polls[0].minutes_up == 4
    known = await Measurements(network.store).node("n5")
    assert known is not None
    assert (known.minutes_due, known.minutes_up, known.away_tick) == (1, 1, START_TICK + 2)
    old = await Measurements(network.store).roster(WHOLE, START_TICK)
    assert (len(old.slots), old.until_tick) == (GONE + 1, sweep.roster_version)
    minutes = await network.minutes()
    assert minutes["n0"].due == (1 << network.tick - START_TICK) - 1
    assert minutes["n0"].up.bit_count() == 4
    assert minutes["n5"] == Minutes(due=0b11, up=0b01, unknown=0b10)


async def test_two_instances_compact_once() -> None:
    """One is told that another is at this very tick, and writes nothing."""
    network = SweptNetwork()
    async with network.serving():
        await _full_of_the_departed(network)
        pair = [network.collector(1), network.collector(1)]
        results = [s["result"] for s in await asyncio.gather(*(each.sweep(0) for each in pair))]
        network.tick += 1
        await network.minute(1, fresh=True)
    assert sorted(results) == ["duplicate", "swept"]
    old = await Measurements(network.store).roster(WHOLE, START_TICK)
    assert (old.until_tick, len(old.slots)) == (network.tick - 2, GONE + 1)
    assert (await network.minutes())["n0"].up.bit_count() == 4


async def test_a_compacted_roster_is_divided_like_any_other() -> None:
    """By the version that is in force, not by the one of the last sweep."""
    network = SweptNetwork()
    async with network.serving():
        await _full_of_the_departed(network)
        await network.minute(1)
        await network.minute(2)
        await network.announce(0, state="leaving")
        await network.minute(2)
        await network.minute(2)
    due = (await network.minutes())["n0"].due
    assert due == (1 << network.tick - 2 - START_TICK) - 1


@pytest.mark.parametrize("fresh", [False, True])
async def test_an_hour_is_rolled_up_once_it_is_over(fresh: bool) -> None:
    """By the instance that swept it, from memory; by a new one, from the documents."""
    network = SweptNetwork()
    network.tick = START_TICK // 60 * 60 + 55
    async with network.serving():
        await network.announce(*range(3))
        hour = network.tick // 60
        for minute in range(8):
            await network.minute(1, fresh=fresh and minute == 6)
    (rollup,) = await Measurements(network.store).rollups(range(hour, hour + 1))
    counts = {node_id: (n.due, n.up, n.unknown) for (node_id, _), n in rollup.nodes.items()}
    assert counts == {"n0": (5, 5, 0), "n1": (5, 5, 0), "n2": (5, 5, 0)}
