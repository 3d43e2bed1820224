"""What one source may cause, and what may be done to one target, whatever it does."""

from pathlib import Path

import pytest

from coordinator.strangers.source_bounds import (
    API_INSTANCES,
    CALL_BACK_TURNS,
    CALL_BACKS,
    CALLED_BACK,
    CHECKED,
    ELSEWHERE,
    NEW_KEYS,
    Bounds,
    Side,
    source_of,
    target_of,
)
from coordinator.sweeping.polls import OFFLINE_AFTER_MISSES
from coordinator.sweeping.roster_room import NETWORK_SLOTS_MAX

ROOT = Path(__file__).resolve().parents[4]
HOUR_S, DAY_S = 3_600, 86_400
NODES_OF_A_SHARD = 10_000
VICTIM = "198.51.101.9"


def test_sources_are_a_household_and_a_network() -> None:
    """Of IPv6 a /64 and a /48; inside somebody's own network nobody is counted but nodes."""
    assert source_of("2a01:4f8:13:17::5", "n2") == {
        Side.NODE: "n2",
        Side.ADDRESS: "2a01:4f8:13:17::/64",
        Side.NETWORK: "2a01:4f8:13::/48",
    }
    assert source_of("203.0.114.7") == {Side.ADDRESS: "203.0.114.7", Side.NETWORK: "203.0.114.0/24"}
    assert source_of("192.168.1.7", "n2") == {Side.NODE: "n2"}
    assert source_of("") == {}


def test_a_target_is_another_s_or_one_s_own() -> None:
    """Whoever calls from an address may have it called; strangers who name it do not count."""
    assert target_of(VICTIM, VICTIM) == {Side.OWN_TARGET: VICTIM}
    assert target_of(VICTIM, "203.0.114.7") == {
        Side.TARGET: VICTIM,
        Side.NETWORK_AT_TARGET: f"{VICTIM} by 203.0.114.0/24",
    }
    assert target_of("127.0.0.1", "203.0.114.7") == {}


def test_what_one_network_causes_at_one_target_is_sixty_requests_an_hour() -> None:
    """Call-backs of all instances at its own address and at another's, and checks; twice each where
    two requests are made."""
    own = 2 * CALL_BACK_TURNS[Side.OWN_TARGET].most_in(HOUR_S)
    others = CALL_BACK_TURNS[Side.NETWORK_AT_TARGET].most_in(HOUR_S)
    checks = 2 * CHECKED[Side.TARGET].most_in(HOUR_S)
    assert (own, others, checks) == (36, 7, 16)
    assert own + others + checks <= 60


def test_a_network_s_slots_are_a_tenth_of_a_roster() -> None:
    """Those that it holds, and those that it tries elsewhere: three sweeps without an answer end
    each, and a minute passes before it is taken in."""
    minutes = OFFLINE_AFTER_MISSES + 1
    tried = API_INSTANCES * ELSEWHERE[Side.NETWORK].most_in(60 * minutes)
    assert NETWORK_SLOTS_MAX + tried <= NODES_OF_A_SHARD // 10


def test_the_bounds_are_made_for_as_many_instances_as_there_may_be() -> None:
    """Each counts for itself. Whoever allows more of them has that many times more bounded."""
    variables = (ROOT / "terraform" / "variables.tf").read_text()
    instances = variables.partition('variable "api_instances"')[2]
    assert f"max = optional(number, {API_INSTANCES})" in instances.partition("validation")[0]


def test_strangers_use_up_nothing_of_an_address_s_own_calls() -> None:
    """Else anybody could keep a node from being called back."""
    called = Bounds(CALLED_BACK)
    while not called.wait_s(target_of(VICTIM, "203.0.114.7"), 0)[0]:
        pass
    assert called.wait_s(target_of(VICTIM, VICTIM), 0) == (0, None)


def test_one_network_s_new_keys_of_a_day_are_a_tenth_of_a_roster() -> None:
    """At all instances of the api: each of them may become a slot."""
    keys, taken = Bounds(NEW_KEYS), 0
    for second in range(0, DAY_S, 10):
        caller = f"2a01:4f8:13:{second // 10 % 65_536:x}::1"
        taken += not keys.wait_s(source_of(caller), second)[0]
    assert 0 < API_INSTANCES * taken <= NODES_OF_A_SHARD // 10


@pytest.mark.parametrize("side", [Side.NODE, Side.ADDRESS, Side.NETWORK])
def test_what_is_refused_by_one_side_costs_the_others_nothing(side: Side) -> None:
    """So a neighbour who calls all the time takes only what he is let."""
    bounds = Bounds(CALL_BACKS)
    sides = {Side.NODE: "n2", Side.ADDRESS: "203.0.114.7", Side.NETWORK: "203.0.114.0/24"}
    for _ in range(CALL_BACKS[side].burst):
        assert bounds.wait_s({side: sides[side]}, 0) == (0, None)
    for _ in range(1_000):
        wait_s, refused_by = bounds.wait_s(sides, 0)
        assert wait_s > 0
        assert refused_by is side
    for other in sides.keys() - {side}:
        for _ in range(CALL_BACKS[other].burst):
            assert bounds.wait_s({other: sides[other]}, 0) == (0, None)
