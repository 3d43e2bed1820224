"""Who is paid when more serve than are paid: longest service first, no crowd of one network."""

import pytest

from coordinator.ledger.address_turns import Earner
from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.paid_places import network_limit, refused
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason

TERMS = Terms(1, 1000, 60, network_percent=20, network_nodes_free=3)
OFF = Terms(1, 1000, 60, network_percent=100)


EPOCH = EpochMinutes(7200, 10_800, 60)
HOUR = (1 << 60) - 1


def _earner(node_id: str, since: float, address: str | None) -> Earner:
    """Up, and verified, in every minute."""
    return Earner(node_id, since, address, HOUR, HOUR)


def unpaid_of(earners: list[Earner], terms: Terms) -> dict[str, Reason]:
    """Why a node is not paid for any of its minutes; whoever is paid for all is absent."""
    found: dict[str, Reason] = {}
    for node_id, minutes in refused(earners, terms, EPOCH).items():
        whole = [why for why, bits in minutes.items() if bits]
        assert whole in ([], [why for why, bits in minutes.items() if bits == HOUR])
        found |= dict.fromkeys([node_id] if whole else [], whole[0] if whole else Reason.OK)
    return found


def _crowd(count: int, network: str, since: float = 0.0) -> list[Earner]:
    return [_earner(f"{network}-{n}", since + n, f"{network}.{n}") for n in range(count)]


def _spread(count: int, since: float = 0.0) -> list[Earner]:
    return [_earner(f"s{n}", since + n, f"51.7.{n}.7") for n in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_nodes_of_one_network_are_always_paid(count: int) -> None:
    """However small the stream: a rule against crowds must not hurt three friends."""
    assert unpaid_of(_crowd(count, "203.0.114"), TERMS) == {}


def test_a_crowd_in_one_network_cannot_raise_its_own_limit() -> None:
    """A hundred newcomers beside ten others are three paid nodes, not a fifth of themselves."""
    earners = [*_spread(10), *_crowd(100, "203.0.114", since=50.0)]
    unpaid = unpaid_of(earners, TERMS)
    assert set(unpaid.values()) == {Reason.NETWORK_SHARE}
    assert len(earners) - len(unpaid) == 13
    assert not {f"203.0.114-{n}" for n in range(3)} & unpaid.keys()  # its longest service


def test_a_large_network_gives_a_large_share() -> None:
    """A fifth of those that are paid: 12 of 62."""
    earners = [*_spread(50), *_crowd(50, "203.0.114")]
    assert len(earners) - len(unpaid_of(earners, TERMS)) == 62


def test_one_more_node_elsewhere_never_lowers_the_limit() -> None:
    """For every size of a network, counting up."""
    limits = [network_limit([40], others, TERMS) for others in range(200)]
    assert limits == sorted(limits)
    assert (limits[0], limits[-1]) == (3, 40)


def test_one_address_is_one_paid_place() -> None:
    """Whose turn it is there holds it; what it leaves is anybody's of the network."""
    earners = [_earner(f"n{n}", 3600.0 * n, "203.0.114.7") for n in (1, 2)]
    assert unpaid_of(earners, TERMS) == {"n2": Reason.SAME_ADDRESS}
    assert unpaid_of(earners, OFF) == {}


def test_a_place_is_taken_for_the_minutes_that_it_is_used() -> None:
    """One minute of service excludes nobody from the other fifty-nine."""
    terms = Terms(1, 2, 60)
    seniors = [Earner(f"a{n}", 1.0, None, takes=0b0011) for n in range(2)]
    others = [Earner(f"b{n}", 5.0 + n, None, takes=0b1110) for n in range(3)]
    beyond = {
        node_id: why[Reason.BEYOND_MAX_PAID_NODES]
        for node_id, why in refused([*others, *seniors], terms, EPOCH).items()
        if any(why.values())
    }
    assert beyond == {"b0": 0b0010, "b1": 0b0010, "b2": 0b1110}


def test_a_networks_share_is_of_those_that_are_paid_in_the_minute() -> None:
    """Who is up elsewhere for a minute raises the limit for that minute."""
    crowd = [_earner(f"c{n}", 1.0 + n, f"203.0.114.{n}") for n in range(7)]
    elsewhere = [Earner(f"s{n}", 90.0, f"51.7.{n}.7", takes=0b1) for n in range(20)]
    lost = refused([*crowd, *elsewhere], TERMS, EPOCH)
    for at, one in enumerate(crowd):
        refused_in = lost.get(one.node_id, {}).get(Reason.NETWORK_SHARE, 0)
        assert refused_in == (0 if at < 3 else HOUR - 1 if at < 5 else HOUR)


def test_addresses_that_are_not_public_are_not_limited() -> None:
    """A demo on one machine and a hall full of nodes behind a private network."""
    earners = [_earner(f"n{n}", 1.0, "127.0.0.1") for n in range(23)]
    earners += [_earner(f"m{n}", 1.0, f"192.168.7.{n}") for n in range(29)]
    earners += [_earner("unknown", 1.0, None), _earner("name", 1.0, "node.example.org")]
    assert unpaid_of(earners, TERMS) == {}


def test_a_share_of_all_turns_the_rules_off() -> None:
    """For a network whose operators are known."""
    earners = [*_crowd(23, "203.0.114"), _earner("twin", 1.0, "203.0.114.7")]
    assert unpaid_of(earners, OFF) == {}


def test_the_longest_service_is_paid_first() -> None:
    """Ties go by node id."""
    terms = Terms(1, 2, 60)
    earners = [_earner("n5", 3.0, None), _earner("n3", 2.0, None), _earner("n2", 2.0, None)]
    assert unpaid_of(earners, terms) == {"n5": Reason.BEYOND_MAX_PAID_NODES}
