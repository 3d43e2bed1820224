"""Who is paid when more serve than are paid: longest service first, no crowd of one network."""

import pytest

from coordinator.ledger.paid_places import Earner, network_limit, unpaid_of
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason

TERMS = Terms(1, 1000, 60, network_percent=20, network_nodes_free=3)
OFF = Terms(1, 1000, 60, network_percent=100)


def _crowd(count: int, network: str, since: float = 0.0) -> list[Earner]:
    return [Earner(f"{network}-{n}", since + n, f"{network}.{n}") for n in range(count)]


def _spread(count: int, since: float = 0.0) -> list[Earner]:
    return [Earner(f"s{n}", since + n, f"51.7.{n}.7") for n in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_nodes_of_one_network_are_always_paid(count: int) -> None:
    """However small the stream: a rule against crowds must not hurt three friends."""
    assert unpaid_of(_crowd(count, "203.0.114"), TERMS, 3600) == {}


def test_a_crowd_in_one_network_cannot_raise_its_own_limit() -> None:
    """A hundred newcomers beside ten others are three paid nodes, not a fifth of themselves."""
    earners = [*_spread(10), *_crowd(100, "203.0.114", since=50.0)]
    unpaid = unpaid_of(earners, TERMS, 3600)
    assert set(unpaid.values()) == {Reason.NETWORK_SHARE}
    assert len(earners) - len(unpaid) == 13
    assert not {f"203.0.114-{n}" for n in range(3)} & unpaid.keys()  # its longest service


def test_a_large_network_gives_a_large_share() -> None:
    """A fifth of those that are paid: 12 of 62."""
    earners = [*_spread(50), *_crowd(50, "203.0.114")]
    assert len(earners) - len(unpaid_of(earners, TERMS, 3600)) == 62


def test_one_more_node_elsewhere_never_lowers_the_limit() -> None:
    """For every size of a network, counting up."""
    limits = [network_limit(["a"] * 40 + [f"x{n}" for n in range(others)], TERMS) for others in
              range(200)]  # fmt: skip
    assert limits == sorted(limits)
    assert (limits[0], limits[-1]) == (3, 40)


def test_one_address_is_one_paid_place() -> None:
    """Many identities on one machine earn what one does; longer service holds the place."""
    earners = [Earner(f"n{n}", 17_000.0 - 3600 * n, "203.0.114.7") for n in range(5)]
    unpaid = unpaid_of(earners, TERMS, 3600)
    assert unpaid == {f"n{n}": Reason.SAME_ADDRESS for n in range(4)}


def test_of_those_proven_in_one_epoch_the_last_holds_the_place() -> None:
    """Many identities must not be a way to be proven sooner."""
    earners = [Earner(f"n{n}", 7200.0 + 60 * n, "203.0.114.7") for n in range(5)]
    assert "n4" not in unpaid_of(earners, TERMS, 3600)
    assert len(unpaid_of(earners, TERMS, 3600)) == 4


def test_addresses_that_are_not_public_are_not_limited() -> None:
    """A demo on one machine and a hall full of nodes behind a private network."""
    earners = [Earner(f"n{n}", 1.0, "127.0.0.1") for n in range(23)]
    earners += [Earner(f"m{n}", 1.0, f"192.168.7.{n}") for n in range(29)]
    earners += [Earner("unknown", 1.0, None), Earner("name", 1.0, "node.example.org")]
    assert unpaid_of(earners, TERMS, 3600) == {}


def test_a_share_of_all_turns_the_rules_off() -> None:
    """For a network whose operators are known."""
    earners = [*_crowd(23, "203.0.114"), Earner("twin", 1.0, "203.0.114.7")]
    assert unpaid_of(earners, OFF, 3600) == {}


def test_the_longest_service_is_paid_first() -> None:
    """Ties go by node id."""
    terms = Terms(1, 2, 60)
    earners = [Earner("n5", 3.0, None), Earner("n3", 2.0, None), Earner("n2", 2.0, None)]
    assert unpaid_of(earners, terms, 3600) == {"n5": Reason.BEYOND_MAX_PAID_NODES}
