"""What a view costs, and that everybody sees what was written."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from api.services.snapshots import Snapshots
from coordinator.adapters.log import Log
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.materialiser import Materialiser
from coordinator.adapters.store.protocol import AsRead, Decide, Fields, Ref
from coordinator.checking.checks import Check, Run, Verdict
from coordinator.checking.suspicion import Trust, TrustState
from coordinator.checking.trust_book import TRUST_BOOKS, TrustBook
from coordinator.epochs import Calendar
from coordinator.ledger.balances import opening_balance
from coordinator.projections.history import History, NodeHistory
from coordinator.projections.listing_news import KEPT_S
from coordinator.projections.network_document import NetworkDocument
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE, all_of
from coordinator.sweeping.sweeps import Sweep
from payout.settler import Settler
from tests.doubles.counting import CountingStore
from tests.doubles.crashing import CrashingStore
from tests.doubles.memory import MemoryStore
from tests.populated import network_document, populate, stream

NOW_S = 1_795_305_637.0
CALENDAR = Calendar()


class _Instance:
    """One instance of the api on two stores that count."""

    def __init__(self, measured: MemoryStore, money: MemoryStore, shards: int = 1) -> None:
        self.measured, self.money = CountingStore(measured), CountingStore(money)
        self.now_s = NOW_S
        self.ledger = Ledger(self.money)
        self.snapshots = Snapshots(
            Measurements(self.measured, shards), self.ledger, 60, lambda: self.now_s
        )

    def reads(self) -> int:
        return self.measured.operations.reads + self.money.operations.reads


async def _stores(nodes: int = 50) -> tuple[MemoryStore, MemoryStore]:
    measured, money = MemoryStore(), MemoryStore()
    await populate(measured, money, nodes, NOW_S)
    return measured, money


@pytest.mark.parametrize("nodes", [0, 10, 2_000])
async def test_a_first_view_costs_three_reads_whatever_the_size(nodes: int) -> None:
    """And the next ones none, until there may be news: of lists every 15 s, if anybody asks."""
    instance = _Instance(*(await _stores(nodes)))
    instance.now_s = (NOW_S // 60 - 1) * 60 + 25  # soon after the sweep that is shown
    snapshot = await instance.snapshots.now()
    assert len(snapshot.network.nodes) == nodes
    assert instance.reads() == 3
    instance.now_s += 15
    await asyncio.gather(*(instance.snapshots.now() for _ in range(9)))
    assert instance.reads() == 3
    instance.now_s += 15
    await asyncio.gather(*(instance.snapshots.now() for _ in range(9)))
    assert instance.reads() == 4
    instance.now_s += 30
    await instance.snapshots.now()
    assert instance.reads() == 6  # the sweep's page as well: tokens move seldom
    instance.now_s += 210
    await instance.snapshots.now()
    assert instance.reads() == 9


async def test_whoever_shows_no_list_reads_no_news_of_lists() -> None:
    """Heartbeats come all the time, and are answered by the sweep. What was read of lists anyway
    is shown to them too, however old it is."""
    measured, money = await _stores(10)
    instance = _Instance(measured, money)
    instance.now_s = (NOW_S // 60 - 1) * 60 + 25
    await instance.snapshots.swept()
    await instance.snapshots.network()
    assert instance.reads() == 2
    instance.now_s += 45
    await instance.snapshots.swept()
    assert instance.reads() == 2
    listed = await instance.snapshots.now()
    assert instance.reads() == 3
    instance.now_s += 7
    assert await instance.snapshots.swept() is listed
    await _told(measured, (await instance.snapshots.network()).nodes, instance.now_s)
    await instance.snapshots.now()
    assert instance.reads() == 3
    instance.now_s += 10
    off = await instance.snapshots.now()
    assert instance.reads() == 5  # the sweep's page, and the news
    assert [node for node in off.network.nodes.values() if node.is_verified] == []
    instance.now_s += 30
    later = (await instance.snapshots.swept()).network
    assert [node for node in later.nodes.values() if node.is_verified] == []
    assert instance.reads() == 6  # the sweep's page alone


async def _told(store: MemoryStore, nodes: Collection[str], now_s: float) -> None:
    """The prober says of these that they left lists."""
    off = TrustState(Trust.PROVEN, last_check_s=now_s, delisted_s=now_s)
    await Measurements(store).tell_lists(dict.fromkeys(nodes, off), now_s)


async def test_old_news_of_lists_do_not_outlive_the_sweeps_word() -> None:
    """They may lie there for days, while nobody joins lists or leaves them. A sweep that has
    forgotten a node's checks is right."""
    measured, money = await _stores(10)
    page = await Measurements(measured).network_document(0)
    assert page is not None
    await Measurements(measured).put_network_document(replace(page, trust={}))
    nodes = [slot.node_id for slot in page.slots]
    swept_s = page.tick * 60.0
    for told_s, shown_s in ((swept_s - KEPT_S - 1, None), (swept_s - KEPT_S, swept_s - KEPT_S)):
        await _told(measured, nodes, told_s)
        network = (await _Instance(measured, money).snapshots.now()).network
        assert {node.trust.delisted_s for node in network.nodes.values()} == {shown_s}


async def test_each_shard_more_costs_one_read_more() -> None:
    """And a page that is not there yet is noticed."""
    measured, money = await _stores()
    whole = network_document(30, NOW_S)
    for shard in all_of(3):
        page = NetworkDocument(shard, whole.tick, slots=whole.slots[shard.number :: 3])
        await Measurements(measured).put_network_document(page)
    instance = _Instance(measured, money, shards=3)
    network = (await instance.snapshots.now()).network
    assert instance.reads() == 5
    assert (len(network.nodes), network.is_whole) == (30, True)
    fewer = _Instance(measured, money, shards=1)  # its setting is not the new one yet
    assert (await fewer.snapshots.now()).network.nodes.keys() == network.nodes.keys()
    more = _Instance(measured, money, shards=4)
    assert (await more.snapshots.now()).network.is_whole


async def test_without_a_page_the_network_is_joined_from_what_is_behind_it() -> None:
    """As when its document was lost; the next sweep writes a new one."""
    measured, money = MemoryStore(), MemoryStore()
    await Ledger(money).open(opening_balance(stream(0, NOW_S), 7, CALENDAR))
    await Measurements(measured).create_stream(stream(0, NOW_S))
    slot = Slot("n2", "stream0", "http://192.0.2.5/", "192.0.2.5", 1935, 7, 1.0)
    await Measurements(measured).put_roster(Roster(WHOLE, 1, 1.0, (slot,)))
    await Measurements(measured).create_sweep(Sweep(WHOLE, 7, 1, {}), NOW_S)
    snapshot = await _Instance(measured, money).snapshots.now()
    assert snapshot.network.nodes.keys() == {"n2"}
    assert snapshot.balances["stream0"].balance_micros == 7
    page = await Measurements(measured).money_projection()  # written for everybody else
    assert page is not None
    assert page.streams.keys() == {"stream0"}


async def test_a_page_of_another_format_is_as_good_as_none() -> None:
    """It is not read wrongly, and soon written anew."""
    measured, money = await _stores()
    (fields,) = await measured.get(Ref("projections", "money"))
    assert fields is not None
    await measured.put(
        Ref("projections", "money"), {"format": fields["format"] + 1, "revision": 99}
    )
    instance = _Instance(measured, money)
    snapshot = await instance.snapshots.now()
    assert len(snapshot.streams) == 8
    (fields,) = await measured.get(Ref("projections", "money"))
    assert fields is not None
    assert fields["revision"] == 1


async def test_a_change_here_is_seen_everywhere() -> None:
    """At once where it was made, elsewhere with the next reading."""
    measured, money = await _stores()
    here, there = _Instance(measured, money), _Instance(measured, money)
    await there.snapshots.now()
    before = (await here.snapshots.now()).balances["stream1"].balance_micros
    await here.ledger.top_up("stream1", 17, NOW_S, "7")
    await here.snapshots.changed("stream1")
    assert (await here.snapshots.now()).balances["stream1"].balance_micros == before + 17
    there.now_s += 250
    assert (await there.snapshots.now()).balances["stream1"].balance_micros == before + 17


async def test_a_change_that_could_not_be_shown_is_shown_by_the_next_reading() -> None:
    """The tokens moved: that is not undone, and not told twice."""
    measured, money = CrashingStore(), MemoryStore()
    await populate(measured, money, 5, NOW_S)
    instance = _Instance(measured, money)
    before = (await instance.snapshots.now()).balances["stream1"].balance_micros
    await instance.ledger.top_up("stream1", 17, NOW_S, "7")
    measured.calls_left = 0
    await instance.snapshots.changed("stream1")
    measured.calls_left = None
    assert (await instance.snapshots.now()).balances["stream1"].balance_micros == before + 17


class _FailingStore(CrashingStore):
    """Fails from just after a page was written, and lets something happen just before that."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def transact(self, *args: Any) -> Any:
        act, self.meanwhile = self.meanwhile, None
        if act:
            await act()
            self.calls_left = 1
        return await super().transact(*args)


async def test_a_change_while_another_is_shown_is_not_forgotten() -> None:
    """It could not be shown at once, and the first was shown without it: the next reading does."""
    measured, money = _FailingStore(), MemoryStore()
    await populate(measured, money, 5, NOW_S)
    instance = _Instance(measured, money)
    before = (await instance.snapshots.now()).balances["stream1"].balance_micros
    second: list[asyncio.Task[None]] = []

    async def meanwhile() -> None:
        await instance.ledger.top_up("stream1", 17, NOW_S, "second")
        second.append(asyncio.create_task(instance.snapshots.changed("stream1")))
        await asyncio.sleep(0)

    await instance.ledger.top_up("stream1", 5, NOW_S, "first")
    measured.meanwhile = meanwhile
    await instance.snapshots.changed("stream1")
    await second[0]
    measured.calls_left = None
    assert (await instance.snapshots.now()).balances["stream1"].balance_micros == before + 22


async def test_of_many_changes_at_once_none_is_lost() -> None:
    """By several instances, each of which reads the ledger at its own time."""
    measured, money = await _stores()
    ledger = Ledger(money)

    async def change(number: int) -> None:
        name = f"stream{number % 7}"
        await ledger.top_up(name, 10**number, NOW_S, str(number))
        await Materialiser(Measurements(measured), ledger, lambda: NOW_S).refresh([name])

    await asyncio.gather(*(change(number) for number in range(12)))
    page = await Measurements(measured).money_projection()
    assert page is not None
    assert page.revision == 1 + 12
    truth = await ledger.balances(sorted(page.streams))
    assert [page.balances[name] for name in sorted(page.streams)] == truth


class _RacedStore(MemoryStore):
    """Somebody else is faster, once: just before the page is written."""

    faster: Callable[[], Awaitable[None]] | None = None

    async def transact(
        self,
        refs: Sequence[Ref],
        decide: Decide,
        new: Collection[Ref] = (),
        seen: Mapping[Ref, AsRead] | None = None,
    ) -> Mapping[Ref, Fields]:
        act, self.faster = self.faster, None
        if act:
            await act()
        return await super().transact(refs, decide, new, seen)


async def test_who_read_the_ledger_before_another_change_reads_it_again() -> None:
    """The page that was read is not the one that would be written over."""
    measured, money = _RacedStore(), MemoryStore()
    await populate(measured, money, 5, NOW_S)
    ledger = Ledger(money)
    materialiser = Materialiser(Measurements(measured), ledger, lambda: NOW_S)

    async def other() -> None:
        await ledger.top_up("stream1", 17, NOW_S, "7")
        await Materialiser(Measurements(measured), ledger, lambda: NOW_S).refresh(["stream1"])

    measured.faster = other
    page = await materialiser.refresh(["stream1", "stream2"])
    (balance,) = await ledger.balances(["stream1"])
    assert page.balances["stream1"] == balance


async def _settle(measured: MemoryStore, money: MemoryStore, now_s: float) -> None:
    log = Log("payout", "ERROR")
    settler = Settler(Measurements(measured), Ledger(money), CALENDAR, 24, lambda: now_s, log)
    await settler.settle_due()


async def test_payout_shows_what_it_settled_and_writes_nothing_otherwise() -> None:
    """Balances, and the epochs that the tokens know of."""
    measured, money = await _stores(0)
    measurements = Measurements(measured)
    await _settle(measured, money, NOW_S + 7_200)
    page = await measurements.money_projection()
    assert page is not None
    assert page.applied["stream0"] == CALENDAR.epoch_at(NOW_S + 7_200 - 120) - 1
    (balance,) = await Ledger(money).balances(["stream0"])
    assert page.balances["stream0"] == balance
    await _settle(measured, money, NOW_S + 7_201)
    again = await measurements.money_projection()
    assert again is not None
    assert again.revision == page.revision


async def test_what_a_crash_kept_from_being_shown_is_shown_by_the_next_call() -> None:
    """Although there is nothing left to settle."""
    measured, money = await _stores(0)
    (old,) = await measured.get(Ref("projections", "money"))
    assert old is not None
    await _settle(measured, money, NOW_S + 7_400)
    shown = await Measurements(measured).money_projection()
    await measured.put(Ref("projections", "money"), old)
    await _settle(measured, money, NOW_S + 7_800)
    page = await Measurements(measured).money_projection()
    assert shown is not None
    assert page is not None
    assert (page.applied, page.balances) == (shown.applied, shown.balances)


async def test_a_node_keeps_its_past_on_its_way_to_the_page() -> None:
    """From the collector's document into what is shown."""
    measured, money = await _stores()
    slot = Slot("n2", "stream0", "http://192.0.2.5/", "192.0.2.5", 1935, 7, 0)
    history = History(9, {"n2": NodeHistory("dc")})
    page = NetworkDocument(WHOLE, 9, slots=(slot,), history=history)
    await Measurements(measured).put_network_document(page)
    node = (await _Instance(measured, money).snapshots.now()).network.nodes["n2"]
    assert (node.history.hours, node.until_hour) == ("dc", 9)


async def test_a_node_that_failed_a_check_is_off_every_list_before_the_next_sweep() -> None:
    """The run's own word is read four times a minute. A clean pass brings it back so as well."""
    measured, money = await _stores(10)
    instance, measurements = _Instance(measured, money), Measurements(measured)
    network = (await instance.snapshots.now()).network
    verified = network.verified(next(iter(network.nodes.values())).slot.stream_id)
    node, count = verified[0], len(verified)
    states = {each.node_id: each.trust for each in verified}
    await measured.put(Ref("suspicions", "0"), TRUST_BOOKS.encode(TrustBook(states)))
    for draw, verdict, listed in ((1, Verdict.FAIL, False), (3, Verdict.PASS, True)):
        due_s = NOW_S + draw * 60
        reason = Reason.PASSED if listed else Reason.NO_STREAM
        check = Check(node.node_id, node.slot.stream_id, draw, due_s, verdict, reason)
        run = Run(draw, due_s, due_s + 20, (), {}, (check,))
        instance.now_s = due_s + 20
        assert await measurements.record_run(run, instance.now_s)
        instance.now_s += 16
        network = (await instance.snapshots.now()).network
        found = [each.node_id for each in network.verified(node.slot.stream_id)]
        assert (node.node_id in found, len(found)) == (listed, count - (not listed))
        assert network.nodes[node.node_id].trust.failed == node.trust.failed + 1
