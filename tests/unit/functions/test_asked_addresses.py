"""An address that has not agreed to be polled is polled for a few nodes, whoever names it."""

from collections.abc import Callable, Iterable

from collector.asked_addresses import AGREED_TICKS, STRANGERS_MAX, AskedAddresses, AskedNow
from collector.poller import Poller
from coordinator.adapters.log import Log
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.outbound.replies import Failed, Fetched
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, HttpAddress
from coordinator.strangers.relay_stats import RelayStats
from coordinator.sweeping.rosters import Slot
from tests.integration.stats_servers import stats_of

VICTIM, OTHER = "2a01:4f8:99::7", "51.0.0.7"


def _may(now: AskedNow, names: Iterable[str], address: str = VICTIM) -> list[str]:
    may = []
    for name in names:
        try:
            now.require(name, address)
            may.append(name)
        except AddressRefused:
            continue
    return may


def test_a_thousand_nodes_that_name_one_address_are_four() -> None:
    """In each sweep; any address of a household is the household's."""
    asked = AskedAddresses()
    names = [f"n{n}" for n in range(1_000)]
    for tick in range(7, 10):
        now = asked.at(tick, ())
        assert _may(now, names) == names[:STRANGERS_MAX]
        assert _may(now, names, "2a01:4f8:99::8") == []
        assert _may(now, names[:1], OTHER) == ["n0"]


def test_an_address_that_answers_as_a_node_has_agreed() -> None:
    """However many it has; strangers keep nobody out, and an absence of minutes neither."""
    asked = AskedAddresses()
    own = [f"own{n}" for n in range(16)]
    for name in own:
        asked.at(7, ()).answered(name, VICTIM)
    for tick in (8, 7 + AGREED_TICKS):
        now = asked.at(tick, ())
        assert _may(now, [f"n{n}" for n in range(9)]) == ["n0", "n1", "n2", "n3"]
        assert _may(now, own) == own
    assert _may(asked.at(8 + AGREED_TICKS, ()), own) == own[:STRANGERS_MAX]


def test_it_has_agreed_for_itself_alone() -> None:
    """A name that leads elsewhere in the next minute is a stranger there."""
    asked = AskedAddresses()
    names = [f"n{n}" for n in range(9)]
    for name in names:
        asked.at(7, ()).answered(name, OTHER)
    assert _may(asked.at(8, ()), names) == names[:STRANGERS_MAX]


def test_a_new_instance_goes_once_by_who_answered_last() -> None:
    """It remembers nothing, and its start costs nobody a minute."""
    asked, names = AskedAddresses(), [f"n{n}" for n in range(9)]
    assert _may(asked.at(7, names), names) == names
    assert _may(asked.at(8, names), names) == names[:STRANGERS_MAX]


def test_inside_one_s_own_network_nothing_is_counted() -> None:
    """No stranger can have it called: the guard refuses that."""
    names = [f"n{n}" for n in range(99)]
    assert _may(AskedNow(), names, "192.168.1.7") == names


class _Answering(PollClient):
    """Every name leads to one address, where one node is."""

    def __init__(self, is_named: bool) -> None:
        super().__init__(Guard(allow_private=True))
        self.asked, self._is_named = 0, is_named

    async def get(
        self,
        address: HttpAddress,
        known: Reason | None = None,
        judge: Callable[[str], None] | None = None,
    ) -> Fetched | Failed:
        try:
            if judge is not None:
                judge(OTHER)
        except AddressRefused as refused:
            return Failed(refused.reason, refused.detail, 0.0)
        self.asked += 1
        node_id = address.path.strip("/") if self._is_named else "n0"
        return Fetched(stats_of(node_id), OTHER)


def _slots() -> list[tuple[int, Slot]]:
    names = [(n, f"n{n}", f"http://h{n}.example/n{n}") for n in range(30)]
    return [(n, Slot(name, "s3", url, f"h{n}.example", 1935, 5, 1.0)) for n, name, url in names]


async def _sweep(client: _Answering, asked: AskedAddresses, tick: int) -> dict[int, object]:
    told: dict[int, object] = {}
    poller = Poller(client, Log("collector", "ERROR"), at_once=1, asked=asked.at(tick, ()))
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


async def test_many_nodes_of_one_address_are_all_polled_after_some_sweeps() -> None:
    """Each that has answered makes place for others."""
    asked, client = AskedAddresses(), _Answering(is_named=True)
    for tick in range(7, 15):
        told = await _sweep(client, asked, tick)
    assert all(isinstance(said, RelayStats) for said in told.values())
