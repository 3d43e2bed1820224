"""SHARDS is changed under a running network: the real sweeper, real sockets, no minute too many."""

import asyncio
import random

import pytest

from collector.shard_state import READ_AGAIN_TICKS
from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import StoreError
from coordinator.checking.lottery import Lottery
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.shards import Shard
from tests.doubles.crashing import CrashingStore
from tests.integration.swept_network import CALENDAR, NODES, START_TICK, SweptNetwork

EVERYBODY = range(NODES)


def _bits(ticks: range) -> int:
    """The minutes of these ticks."""
    return sum(1 << tick - START_TICK for tick in ticks)


@pytest.mark.parametrize(("before", "after"), [(1, 16), (16, 3), (3, 1), (2, 3)])
async def test_where_all_jobs_are_called_nothing_is_lost(before: int, after: int) -> None:
    """Every node is due once in every minute, and measured, under one count or the other."""
    network = SweptNetwork()
    async with network.serving():
        await network.announce(*EVERYBODY)
        for shards in (before, before, before, after, after):
            await network.minute(shards)
    everything = _bits(range(START_TICK, network.tick))
    assert await network.minutes() == {
        f"n{number}": Minutes(due=everything, up=everything) for number in EVERYBODY
    }
    for setting in (before, after):  # a reader that does not know of the change finds the same
        latest = await Measurements(network.store, setting).latest_sweeps()
        assert [sweep.shard for sweep in latest] == [Shard(i, after) for i in range(after)]


async def test_until_a_shard_is_first_swept_its_minutes_are_unknown() -> None:
    """A job may be made minutes after the others: nobody's fault but ours."""
    network = SweptNetwork()
    async with network.serving():
        await network.announce(*EVERYBODY)
        await network.minute(1)
        for _ in range(3):
            await network.minute(3, called=range(2))
        await network.minute(3)
    everything = _bits(range(START_TICK, network.tick))
    late = _bits(range(START_TICK + 1, START_TICK + 4))
    for node_id, minutes in (await network.minutes()).items():
        unknown = late if Shard(2, 3).holds(node_id) else 0
        assert minutes == Minutes(due=everything, up=everything & ~unknown, unknown=unknown)


async def test_minutes_without_any_sweep_are_unknown_under_either_count() -> None:
    """Also when the outage covers the change itself, and when it covers a whole epoch."""
    network = SweptNetwork()
    async with network.serving():
        await network.announce(*EVERYBODY)
        await network.minute(2)
        network.tick += 5
        await network.minute(3)
        network.tick += 5
    unknown = _bits(range(START_TICK + 1, START_TICK + 6)) | _bits(
        range(START_TICK + 7, network.tick)
    )
    everything = _bits(range(START_TICK, network.tick))
    expected = Minutes(due=everything, up=everything & ~unknown, unknown=unknown)
    minutes = await network.minutes()
    assert len(minutes) == NODES
    assert set(minutes.values()) == {expected}
    silent = await network.minutes(range(START_TICK + 7, network.tick))
    assert len(silent) == NODES
    assert {each.unknown for each in silent.values()} == {0b11111}


async def test_who_leaves_after_a_change_is_paid_no_minute_more() -> None:
    """On a roster that nobody closed it would be due for ever, and each minute like the last."""
    network = SweptNetwork()
    async with network.serving():
        await network.announce(*EVERYBODY)
        await network.minute(1)
        await network.minute(2)
        await network.announce(5, state="leaving")
        for _ in range(4):
            await network.minute(2)
    minutes = await network.minutes()
    assert minutes["n5"] == Minutes(due=0b11, up=0b11)
    assert minutes["n5"].filled(last_up=True) == 0b11
    later = await network.minutes(range(START_TICK + 3, network.tick))
    assert sorted(later) == sorted(f"n{number}" for number in EVERYBODY if number != 5)


async def test_nobody_becomes_a_newcomer_by_a_change() -> None:
    """Newcomers are drawn three times of four for ten minutes: it would hit all nodes at once."""
    network = SweptNetwork()
    async with network.serving():
        await network.announce(*EVERYBODY)
        await network.minute(1)
        network.tick += 20
        for _ in range(2):
            await network.minute(1)
        await network.minute(3)
    latest = await Measurements(network.store, 3).latest_sweeps()
    rosters = [await Measurements(network.store).roster_of(sweep) for sweep in latest]
    slots = [slot for roster in rosters for slot in roster.slots]
    assert {slot.joined_tick for slot in slots} == {START_TICK}
    lottery = Lottery(b"any secret of a day", CALENDAR.check_seconds, 4)
    draws = [lottery.is_due(slot.node_id, network.tick, slot.joined_tick * 60) for slot in slots]
    expected = [lottery.is_due(slot.node_id, network.tick, 0) for slot in slots]
    assert draws == expected
    assert len(slots) == NODES


async def test_what_an_api_of_another_setting_wrote_is_noticed_at_once() -> None:
    """Terraform changes the functions one by one."""
    network = SweptNetwork()
    async with network.serving():
        await network.announce(*range(3), shards=1)
        await network.minute(3)
        await network.announce(*range(3, 6), shards=1)
        await network.announce(*range(6, 9), shards=5)
        await network.announce(0, shards=1, state="leaving")
        await network.minute(3)
        await network.minute(3)
    minutes = await network.minutes()
    old = {f"n{number}": Minutes(due=0b111, up=0b111) for number in (1, 2)}
    new = {f"n{number}": Minutes(due=0b110, up=0b110) for number in range(3, 9)}
    assert minutes == {"n0": Minutes(due=0b1, up=0b1)} | old | new


async def test_two_counts_share_no_document() -> None:
    """Of one tick and one number: neither hides what the other measured."""
    network = SweptNetwork()
    async with network.serving():
        await network.announce(*EVERYBODY)
        await network.minute(1)
        network.tick -= 1
        await network.minute(2)
    measurements = Measurements(network.store)
    ticks = range(START_TICK, START_TICK + 1)
    swept = {sweep.id for sweep in await measurements.sweeps(ticks)}
    assert swept == {f"sweep-{name}-000000001000" for name in ("0of1", "0of2", "1of2")}
    rosters = [await measurements.roster(Shard(0, count), START_TICK) for count in (1, 2)]
    assert [len(roster.slots) == NODES for roster in rosters] == [True, False]
    assert all(m == Minutes(due=1, up=1) for m in (await network.minutes()).values())


async def test_back_and_forth_counts_every_minute_once() -> None:
    """A change that is taken back begins anew: what the first reign left open is closed."""
    network = SweptNetwork()
    async with network.serving():
        await network.announce(*EVERYBODY)
        for shards in (2, 3, 2, 2, 1, 2):
            await network.minute(shards, fresh=True)
        await network.announce(7, state="leaving")
        await network.minute(2)
    everything = _bits(range(START_TICK, network.tick))
    for node_id, minutes in (await network.minutes()).items():
        due = everything >> 1 if node_id == "n7" else everything
        assert minutes == Minutes(due=due, up=due)


@pytest.mark.parametrize("then", [2, 3])
async def test_a_change_that_broke_off_is_gone_on_with_or_taken_back(then: int) -> None:
    """Whatever was written before the crash, everybody is due once and measured again."""
    crashes = 0
    for calls in range(45):
        store = CrashingStore()
        network = SweptNetwork(store)
        async with network.serving():
            await network.announce(*range(7))
            await network.minute(2)
            store.calls_left = calls
            try:
                await network.minute(3)
            except* StoreError:
                crashes += 1
                network.tick = START_TICK + 2
            store.calls_left = None
            for _ in range(2):
                await network.minute(then, fresh=True)
            minutes = await network.minutes()
        assert len(minutes) == 7
        for each in minutes.values():
            assert each.up >> 2 == 0b11
            assert each.due & 0b1101 == 0b1101
            assert not each.unknown & ~0b10
    assert crashes > 10


async def test_two_instances_that_begin_at_one_tick_agree() -> None:
    """Scheduler delivers at least once; and every shard's first call may find the old ones."""
    network = SweptNetwork()
    async with network.serving():
        await network.announce(*EVERYBODY)
        await network.minute(1)
        pair = [network.collector(3) for _ in range(2)]
        calls = [sweeper.sweep(number) for sweeper in pair for number in range(3)]
        results = [summary["result"] for summary in await asyncio.gather(*calls)]
        network.tick += 1
        await network.minute(3)
    assert sorted(results) == ["duplicate"] * 3 + ["swept"] * 3
    assert set((await network.minutes()).values()) == {Minutes(due=0b111, up=0b111)}


async def test_every_instance_of_a_shard_goes_on_where_another_stopped() -> None:
    """An instance that swept last reads nothing back; a new one finds the same."""
    network = SweptNetwork()
    async with network.serving():
        await network.announce(*EVERYBODY)
        for at in range(9):
            await network.minute(2, fresh=at < 6 and at % 2 == 0)
    latest = await Measurements(network.store, 2).latest_sweeps()
    assert sum(len(sweep.polls) for sweep in latest) == NODES
    for sweep in latest:
        roster = await Measurements(network.store).roster_of(sweep)
        for at, poll in sweep.polls.items():
            assert sweep.shard.holds(roster.slots[at].node_id)
            assert poll.minutes_up == 9


@pytest.mark.parametrize("seed", range(20))
async def test_collectors_of_two_counts_come_to_rest_on_one(seed: int) -> None:
    """Both are called for some minutes, in any order, old instances and new ones; then one is.

    Ten minutes later only its rosters are in force: who leaves is due no more, and nothing is
    `unknown`, since that would count like the minute before."""
    chance = random.Random(seed)
    counts = chance.sample([1, 2, 3], 2)
    orders = [counts, counts[::-1], counts[:1], counts[1:]]
    network = SweptNetwork()
    async with network.serving():
        await network.announce(*range(7))
        await network.minute(counts[0])
        for _ in range(chance.randrange(1, 6)):
            for shards in chance.choice(orders):
                await network.minute(shards, fresh=chance.random() < 0.5)
                network.tick -= 1
            network.tick += 1
        last = chance.choice(counts)
        for _ in range(READ_AGAIN_TICKS + 1):
            await network.minute(last)
        await network.announce(5, state="leaving")
        left_at = network.tick
        for _ in range(3):
            await network.minute(last)
    assert await network.minutes(range(left_at, network.tick)) == {
        f"n{number}": Minutes(due=0b111, up=0b111) for number in range(7) if number != 5
    }
