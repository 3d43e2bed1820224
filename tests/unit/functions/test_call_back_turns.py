"""All instances of the api together call a target a few times an hour."""

import pytest

from api.services.call_back_turns import CallBackTurns
from coordinator.adapters.records import Measurements
from coordinator.strangers.source_bounds import API_INSTANCES, CALL_BACK_TURNS, Side, target_of
from tests.doubles.counting import CountingStore
from tests.doubles.memory import MemoryStore

HOUR_S = 3_600
VICTIM, CALLER, NEIGHBOUR = "198.51.101.9", "2a01:4f8:13:17::1", "2a01:4f8:13:18::1"


class _Instances:
    """Of the api, on one store."""

    def __init__(self, count: int = API_INSTANCES) -> None:
        self.now_s = 0.0
        self.store = CountingStore(MemoryStore())
        records = Measurements(self.store)
        self.all = [CallBackTurns(records, lambda: self.now_s) for _ in range(count)]

    async def calls_in_an_hour(self, target: dict[Side, str], from_s: int) -> int:
        """All of them ask every ten seconds."""
        calls = 0
        for second in range(from_s, from_s + HOUR_S, 10):
            self.now_s = float(second)
            for one in self.all:
                calls += await one.take(target)
        return calls


@pytest.mark.parametrize(
    ("caller", "side"), [(CALLER, Side.NETWORK_AT_TARGET), (VICTIM, Side.OWN_TARGET)]
)
@pytest.mark.parametrize("from_s", [0, 7, 599, 719])
async def test_ten_instances_call_as_often_as_one(caller: str, side: Side, from_s: int) -> None:
    """In whatever hour."""
    calls = await _Instances().calls_in_an_hour(target_of(VICTIM, caller), from_s)
    turns = CALL_BACK_TURNS[side]
    assert turns.calls * HOUR_S // turns.seconds <= calls <= turns.most_in(HOUR_S)


async def test_a_network_is_one_whoever_of_it_asks() -> None:
    """And another one has a turn of its own; so has the target itself."""
    (one,) = _Instances(1).all
    assert await one.take(target_of(VICTIM, CALLER))
    assert not await one.take(target_of(VICTIM, NEIGHBOUR))
    assert await one.take(target_of(VICTIM, "203.0.114.7"))
    assert await one.take(target_of(VICTIM, VICTIM))
    assert await one.take(target_of("198.51.101.8", CALLER))


async def test_how_long_to_wait_is_known_where_all_calls_were_taken() -> None:
    """Until the next turn begins."""
    instances = _Instances(1)
    (one,), own = instances.all, target_of(VICTIM, VICTIM)
    instances.now_s = 10.5
    for _ in range(CALL_BACK_TURNS[Side.OWN_TARGET].calls):
        assert one.wait_s(own) == 0
        assert await one.take(own)
    assert one.wait_s(own) == 710
    instances.now_s += one.wait_s(own)
    assert await one.take(own)


async def test_a_turn_that_is_known_to_be_over_costs_nothing() -> None:
    """However often it is asked for."""
    instances = _Instances(2)
    target = target_of(VICTIM, CALLER)
    for _ in range(50):
        for one in instances.all:
            await one.take(target)
    assert instances.store.operations.writes == 1


async def test_inside_one_s_own_network_there_are_no_turns() -> None:
    """Whoever runs a coordinator there knows who calls."""
    instances = _Instances(1)
    for _ in range(20):
        assert await instances.all[0].take(target_of("192.168.1.7", "192.168.1.9"))
    assert instances.store.operations.writes == 0
