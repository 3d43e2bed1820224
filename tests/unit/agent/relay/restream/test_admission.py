"""Who may connect: limits for one address and for all."""

import pytest

from agent.relay.restream.admission import (
    ADDRESS_CONNECTIONS_MAX,
    ADDRESSES_MAX,
    ARRIVALS_AT_ONCE,
    ARRIVALS_PER_S,
    MEMORY_BYTES_MAX,
    Admission,
)


def test_behind_one_address_are_as_many_as_come_while_half_is_free() -> None:
    """Carrier NAT puts hundreds of honest viewers behind one."""
    admission = Admission(connections_max=400)
    admitted = sum(admission.admit("203.0.113.5", 0.0) for _ in range(300))
    assert admitted == 200
    assert admission.refused == {"address_full": 100}
    assert admission.admit("198.51.100.6", 0.0)
    assert admission.connections == 201


def test_an_address_with_few_is_let_in_until_all_is_full() -> None:
    admission = Admission(connections_max=400)
    for number in range(200):
        assert admission.admit(f"10.0.{number}.1", 0.0)
    assert sum(admission.admit("203.0.113.5", 0.0) for _ in range(100)) == ADDRESS_CONNECTIONS_MAX
    for number in range(400 - 200 - ADDRESS_CONNECTIONS_MAX):
        assert admission.admit(f"10.1.{number}.1", 0.0)
    assert not admission.admit("10.0.2.1", 0.0)
    assert admission.refused["full"] == 1


@pytest.mark.parametrize(
    ("network", "other"), [("2001:db8:7:{:x}::", "2001:db8:8::"), ("192.0.2.{}", "192.0.3.1")]
)
def test_one_network_s_addresses_do_not_take_all_places(network: str, other: str) -> None:
    """Whoever has a /48 comes from another /64 each time."""
    admission = Admission(connections_max=400)
    admitted = sum(admission.admit(network.format(number), 0.0) for number in range(250))
    assert admitted == 200
    assert admission.refused == {"network_full": 50}
    for _ in range(20):
        assert admission.admit(other, 0.0)
    for number in range(150):
        admission.leave(network.format(number))
    assert admission.admit(network.format(1), 0.0)


def test_who_leaves_makes_room() -> None:
    admission = Admission(connections_max=2)
    assert admission.admit("203.0.97.1", 0.0)
    assert admission.admit("203.0.98.1", 0.0)
    assert not admission.admit("203.0.99.1", 0.0)
    admission.leave("203.0.97.1")
    assert admission.connections == 1
    assert admission.admit("203.0.99.1", 0.0)


def test_who_comes_and_goes_very_often_is_slowed_down() -> None:
    admission = Admission()

    def come(times: int, now_s: float) -> int:
        admitted = 0
        for _ in range(times):
            if admission.admit("203.0.113.5", now_s):
                admitted += 1
                admission.leave("203.0.113.5")
        return admitted

    assert come(ARRIVALS_AT_ONCE + 50, 10.0) == ARRIVALS_AT_ONCE
    assert admission.refused == {"too_often": 50}
    assert admission.admit("203.0.113.6", 10.0)
    assert come(ARRIVALS_AT_ONCE, 10.5) == ARRIVALS_PER_S / 2
    assert come(ARRIVALS_AT_ONCE + 50, 100.0) == ARRIVALS_AT_ONCE


def test_nobody_new_comes_while_memory_is_short() -> None:
    admission = Admission()
    assert admission.admit("203.0.97.1", 0.0)
    admission.memory_bytes = MEMORY_BYTES_MAX + 1
    assert not admission.admit("203.0.98.1", 0.0)
    assert admission.refused == {"memory": 1}
    assert admission.connections == 1
    admission.memory_bytes = MEMORY_BYTES_MAX
    assert admission.admit("203.0.98.1", 0.0)


def test_addresses_that_came_are_forgotten_in_time() -> None:
    admission = Admission()
    for number in range(ADDRESSES_MAX + 100):
        place = f"10.{number // 60_000}.{number // 250 % 240}.{number % 250}"
        admission.admit(place, 0.0)
        admission.leave(place)
    assert len(admission._arrivals) == ADDRESSES_MAX
