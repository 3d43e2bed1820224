"""An address that has not agreed to be polled is polled for a few nodes, whoever names it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from random import Random

import pytest

from collector.asked_addresses import (
    AGREED_TICKS,
    STRANGERS_MAX,
    AskedAddresses,
    AskedNow,
    answered_there,
    in_order,
)
from collector.poller import Poller
from collector.sweeper import Sweeper
from coordinator.adapters.log import Log
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.outbound.replies import Failed, Fetched
from coordinator.adapters.records import Measurements
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, HttpAddress
from coordinator.strangers.relay_stats import RelayStats
from coordinator.sweeping.nodes import Node
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.roster_room import NETWORK_SLOTS_MAX
from coordinator.sweeping.rosters import Slot
from tests.doubles.memory import MemoryStore
from tests.integration.stats_servers import stats_of

VICTIM, OTHER = "2a01:4f8:99::7", "51.0.0.7"


def _slot(name: str, host: str | None = None) -> Slot:
    """Of a host with a name, unless it is another one."""
    host = host or f"{name}.example"
    return Slot(name, "s3", f"http://{host}:8080/{name}", host, 1935, 5, 1.0)


def _said(
    now: AskedNow, names: Iterable[str], address: str = VICTIM, host: str | None = None
) -> dict[str, Reason | None]:
    """Why each is not asked; None of those that are."""
    found: dict[str, Reason | None] = {}
    for name in names:
        try:
            now.require(_slot(name, host), address)
            found[name] = None
        except AddressRefused as refused:
            found[name] = refused.reason
    return found


def _may(
    now: AskedNow, names: Iterable[str], address: str = VICTIM, host: str | None = None
) -> list[str]:
    return [name for name, why in _said(now, names, address, host).items() if why is None]


def test_a_thousand_nodes_that_name_one_address_are_four() -> None:
    """In each sweep; any address of a household is the household's."""
    asked = AskedAddresses()
    names = [f"n{n}" for n in range(1_000)]
    for tick in range(7, 10):
        now = asked.at(tick, (), ())
        assert _may(now, names) == names[:STRANGERS_MAX]
        assert _may(now, names, "2a01:4f8:99::8") == []
        assert _may(now, names[:1], OTHER) == ["n0"]


@pytest.mark.parametrize(("shards", "each"), [(1, 4), (2, 2), (4, 1), (7, 1)])
def test_shards_share_the_few(shards: int, each: int) -> None:
    """Whoever names an address has nodes on all of them."""
    names = [f"n{n}" for n in range(9)]
    assert _may(AskedAddresses(shards).at(7, (), ()), names) == names[:each]


def test_an_address_that_answers_as_a_node_has_agreed() -> None:
    """However many it has; strangers keep nobody out, and an absence of minutes neither."""
    asked = AskedAddresses()
    own = [f"own{n}" for n in range(16)]
    for name in own:
        asked.at(7, (), ()).answered(name, VICTIM)
    for tick in (8, 7 + AGREED_TICKS):
        now = asked.at(tick, (), ())
        assert _may(now, [f"n{n}" for n in range(9)]) == ["n0", "n1", "n2", "n3"]
        assert _may(now, own) == own
    assert _may(asked.at(8 + AGREED_TICKS, (), ()), own) == own[:STRANGERS_MAX]


def test_it_has_agreed_for_itself_alone() -> None:
    """A name that leads elsewhere in the next minute is a stranger there."""
    asked = AskedAddresses()
    names = [f"n{n}" for n in range(9)]
    for name in names:
        asked.at(7, (), ()).answered(name, OTHER)
    assert _may(asked.at(8, (), ()), names) == names[:STRANGERS_MAX]


def test_a_new_instance_goes_once_by_who_answered_last_at_a_literal_address() -> None:
    """It remembers nothing, and its start costs nobody a minute."""
    asked, names = AskedAddresses(), [f"n{n}" for n in range(9)]
    assert _may(asked.at(7, (), names), names, OTHER, host=OTHER) == names
    assert _may(asked.at(8, (), names), names, OTHER, host=OTHER) == names[:STRANGERS_MAX]


def test_names_of_a_new_instance_are_few_and_lose_nothing() -> None:
    """They may lead elsewhere since; that nobody knows is no fault of theirs."""
    asked, names = AskedAddresses(), [f"n{n}" for n in range(9)]
    said = _said(asked.at(7, (), names[:8]), names)
    why = [said[name] for name in names]
    assert why == [None] * 4 + [Reason.UNKNOWN_INTERNAL] * 4 + [Reason.TARGET_CROWDED]


def _network(count: int) -> dict[str, str]:
    """Names and their addresses in one /24, four at each."""
    return {f"n{n}": f"51.7.{n // 1_000}.{n % 250}" for n in range(count)}


def _asked_for_long(asked: AskedAddresses, where: dict[str, str], ticks: int) -> list[str]:
    """Who is asked in the end, each of whom answers."""
    slots = [_slot(name) for name in where]
    for tick in range(7, 7 + ticks):
        now = asked.at(tick, slots, ())
        may = [name for name, address in where.items() if _may(now, [name], address)]
        for name in may:
            now.answered(name, where[name])
    return may


def test_names_of_one_network_have_no_more_than_its_share() -> None:
    """Wherever the names come from: what they lead to is known at a poll alone."""
    asked = AskedAddresses()
    may = _asked_for_long(asked, _network(NETWORK_SLOTS_MAX + 40), 3)
    assert len(may) == NETWORK_SLOTS_MAX
    assert set(asked.networks.values()) == {"51.7.0.0/24"}
    late = _said(asked.at(11, map(_slot, may), ()), ["late"], "51.7.0.251")
    assert late == {"late": Reason.NETWORK_FULL}


def test_names_give_way_where_a_network_has_too_many() -> None:
    """Whoever is there by its address has its slot: the roster counts those."""
    asked = AskedAddresses()
    may = _asked_for_long(asked, _network(NETWORK_SLOTS_MAX), 3)
    literal = [_slot(f"l{n}", f"51.7.0.{n}") for n in range(7)]
    now = asked.at(11, [*map(_slot, may), *literal], ())
    still = [name for name in may if _may(now, [name], _network(1_000)[name])]
    assert len(still) == NETWORK_SLOTS_MAX - 7


def test_inside_one_s_own_network_nothing_is_counted() -> None:
    """No stranger can have it called: the guard refuses that."""
    names = [f"n{n}" for n in range(99)]
    assert _may(AskedNow(), names, "192.168.1.7") == names


def test_strangers_keep_no_newcomer_behind_an_address_unpolled() -> None:
    """Who calls from there comes before all of them. A name of its own is asked now and then."""
    slots = [_slot(f"n{n}") for n in range(40)]
    own = replace(_slot("own", OTHER), calls_from_there=True)
    due, chance = [*enumerate([*slots, own])], Random(7)
    asked_first = set()
    for tick in range(300):
        order = [slot for _, slot in in_order(due, {}, chance)]
        assert order[0] is own
        now = AskedAddresses().at(tick, order, ())
        asked_first |= set(_may(now, [slot.node_id for slot in order], OTHER))
    assert len(asked_first) == 41


def test_who_answered_is_believed_where_it_stands_now() -> None:
    """Not at an address that it named since."""
    slots = [_slot("stays"), replace(_slot("moved"), changed_s=61.0), _slot("silent")]
    up = Poll(Outcome.UP, Reason.OK, 7, 7)
    polls = {0: up, 1: up, 2: replace(up, misses=1)}
    assert answered_there(slots, polls, last_s=60.0) == {"stays"}


class _Answering(PollClient):
    """Every name leads to one address, where one node is; or where it is said to lead."""

    def __init__(self, is_named: bool, where: Mapping[str, str] | None = None) -> None:
        super().__init__(Guard(allow_private=True))
        self.asked, self._is_named, self._where = 0, is_named, where or {}

    async def get(
        self,
        address: HttpAddress,
        known: Reason | None = None,
        judge: Callable[[str], None] | None = None,
        *,
        at: str | None = None,
    ) -> Fetched | Failed:
        peer = self._where.get(address.path.strip("/"), OTHER)
        try:
            if judge is not None:
                judge(peer)
        except AddressRefused as refused:
            return Failed(refused.reason, refused.detail, 0.0)
        self.asked += 1
        node_id = address.path.strip("/") if self._is_named else "n0"
        return Fetched(stats_of(node_id), peer)


def _slots() -> list[tuple[int, Slot]]:
    names = [(n, f"n{n}", f"http://h{n}.example/n{n}") for n in range(30)]
    return [(n, Slot(name, "s3", url, f"h{n}.example", 1935, 5, 1.0)) for n, name, url in names]


async def _sweep(client: _Answering, asked: AskedAddresses, tick: int) -> dict[int, object]:
    told: dict[int, object] = {}
    poller = Poller(client, Log("collector", "ERROR"), at_once=1, asked=asked.at(tick, (), ()))
    await poller.poll(_slots(), told.__setitem__, 5.0)
    return told


async def test_polls_hold_to_it_and_learn_who_has_agreed() -> None:
    """Thirty names of one honest node's address: it is polled for four, and for itself."""
    asked, client = AskedAddresses(), _Answering(is_named=False)
    told = await _sweep(client, asked, 7)
    assert client.asked == STRANGERS_MAX
    assert [at for at, said in told.items() if said is Reason.TARGET_CROWDED] == [*range(4, 30)]
    told = await _sweep(client, asked, 8)
    assert client.asked == 2 * STRANGERS_MAX + 1  # n0 is no stranger any more
    assert isinstance(told[0], RelayStats)


class _Sweeping:
    """A collector with its store, and a clock."""

    def __init__(self, client: PollClient) -> None:
        self.store, self.now_s = Measurements(MemoryStore()), 6_000.0
        log, calendar = Log("collector", "ERROR"), Calendar(sweep_seconds=60)
        self.sweeper = Sweeper(self.store, client, calendar, lambda: self.now_s, log)

    async def announce(self, slot: Slot, *, calls_from_there: bool = False) -> None:
        place = f"http://{slot.rtmp_host}:8080/{slot.node_id}"
        await self.store.put_node(
            Node(
                node_id=slot.node_id, stream_id="s3", stats_url=place, rtmp_host=slot.rtmp_host,
                rtmp_port=1935, agent="", engine="", state="running", joined_s=self.now_s - 9,
                changed_s=self.now_s - 9, calls_from_there=calls_from_there,
            )
        )  # fmt: skip

    async def sweep(self) -> dict[str, Reason]:
        """What is said of each node that was polled."""
        await self.sweeper.sweep(0)
        self.now_s += 60
        (sweep,) = await self.store.latest_sweeps()
        slots = (await self.store.roster_of(sweep)).slots
        return {slots[at].node_id: poll.reason for at, poll in sweep.polls.items()}


async def test_a_sweep_asks_few_strangers_and_whoever_calls_from_there_first() -> None:
    """Of a hundred."""
    client = _Answering(is_named=False)
    world = _Sweeping(client)
    for number in range(100):
        await world.announce(_slot(f"n{number}"), calls_from_there=number == 0)
    said = await world.sweep()
    assert Counter(said.values())[Reason.TARGET_CROWDED] == 100 - STRANGERS_MAX
    assert client.asked == STRANGERS_MAX
    assert said["n0"] in (Reason.OK, Reason.STREAM_IDLE)


async def test_a_roster_knows_in_the_next_sweep_where_names_have_led() -> None:
    """A network's share is used up by them as by literal addresses."""
    where = _network(NETWORK_SLOTS_MAX)
    world = _Sweeping(_Answering(is_named=True, where=where))
    for name in where:
        await world.announce(_slot(name))
    assert Reason.TARGET_CROWDED not in (await world.sweep()).values()
    await world.announce(_slot("late", "51.7.0.251"))
    await world.announce(_slot("other", "51.8.0.251"))
    assert {"late", "other"} & (await world.sweep()).keys() == {"other"}


async def test_many_nodes_of_one_address_are_all_polled_after_some_sweeps() -> None:
    """Each that has answered makes place for others."""
    asked, client = AskedAddresses(), _Answering(is_named=True)
    for tick in range(7, 15):
        told = await _sweep(client, asked, tick)
    assert all(isinstance(said, RelayStats) for said in told.values())
