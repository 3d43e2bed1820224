"""Who is paid when more serve than are paid: longest service first, no crowd of one network."""

from dataclasses import replace

import pytest

from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.kept_words import Spell
from coordinator.ledger.paid_places import Earner, left_behind, network_limit, refused
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
    """Many identities on one machine earn what one does; longer service holds the place."""
    earners = [_earner(f"n{n}", 17_000.0 - 3600 * n, "203.0.114.7") for n in range(5)]
    unpaid = unpaid_of(earners, TERMS)
    assert unpaid == {f"n{n}": Reason.SAME_ADDRESS for n in range(4)}


def test_of_those_proven_in_one_epoch_the_last_holds_the_place() -> None:
    """Many identities must not be a way to be proven sooner."""
    earners = [_earner(f"n{n}", 3600.0 + 60 * n, "203.0.114.7") for n in range(5)]
    assert "n4" not in unpaid_of(earners, TERMS)
    assert len(unpaid_of(earners, TERMS)) == 4


def test_of_those_proven_just_now_nobody_is_paid_before_the_last() -> None:
    """The first of eight identities passes a check sooner than the only one of an honest node."""
    since = {"n2": 3, "n3": 9}
    earners = [
        Earner(name, 7200.0 + 60 * at, "203.0.114.7", HOUR >> at + 1 << at + 1, HOUR)
        for name, at in since.items()
    ]
    lost = refused(earners, TERMS, EPOCH)
    assert lost == {"n2": {Reason.SAME_ADDRESS: HOUR >> 4 << 4}}
    later = [*earners, Earner("n5", 3600.0, "203.0.114.7", 0b111 << 20, 0b111 << 20)]
    assert refused(later, TERMS, EPOCH)["n3"] == {Reason.SAME_ADDRESS: 0b111 << 20}


def test_who_claims_to_be_up_holds_its_address_whether_it_keeps_its_word_or_not() -> None:
    """Else each of many identities were paid for the minutes that another one failed."""
    holder = Earner("n2", 1.0, "203.0.114.7", takes=0, claims=0b0111)
    twin = Earner("n3", 3700.0, "203.0.114.7", takes=0b1111, claims=0b1111)
    assert refused([holder, twin], TERMS, EPOCH) == {"n3": {Reason.SAME_ADDRESS: 0b0111}}


def _minutes(first: int, last: int) -> int:
    return (1 << last + 1) - (1 << first)


def test_who_fails_a_check_has_its_turn_no_more() -> None:
    """And who comes after it begins with a passed check, as that one would have to."""
    failed = Earner("n2", 1.0, "203.0.114.7", 0, HOUR, (Spell(1.0, 7200.0 + 600),))
    behind = Earner("n3", 3700.0, "203.0.114.7", HOUR, HOUR, None, (7200.0 + 1200, 7200.0 + 1900))
    lost = refused([failed, behind], TERMS, EPOCH)
    assert lost == {"n3": {Reason.SAME_ADDRESS: _minutes(0, 20)}}
    assert left_behind([failed, behind], TERMS, EPOCH) == frozenset()


def test_who_failed_goes_to_the_end_of_the_row() -> None:
    """However long it had served before: a rival cannot fail again and again."""
    again = Earner("n2", 1.0, "203.0.114.7", HOUR, HOUR, (Spell(1.0, 7199.0), Spell(7200.0 + 59)))
    other = Earner("n3", 3700.0, "203.0.114.7", HOUR, HOUR)
    assert refused([again, other], TERMS, EPOCH) == {"n2": {Reason.SAME_ADDRESS: HOUR}}


def test_who_has_passed_no_check_since_is_behind_in_the_next_epoch_too() -> None:
    failed = Earner("n2", 1.0, "203.0.114.7", 0, HOUR, (Spell(1.0, 7200.0 + 3000),))
    behind = Earner("n3", 3700.0, "203.0.114.7", HOUR, HOUR, None, (7200.0 + 1200,))
    assert refused([failed, behind], TERMS, EPOCH)["n3"] == {Reason.SAME_ADDRESS: HOUR}
    assert left_behind([failed, behind], TERMS, EPOCH) == {"n3"}
    then = replace(behind, is_behind=True)
    now = [replace(failed, spells=()), then]
    assert refused(now, TERMS, EPOCH) == {"n3": {Reason.SAME_ADDRESS: _minutes(0, 20)}}
    assert left_behind(now, TERMS, EPOCH) == frozenset()
    assert left_behind([failed, behind], OFF, EPOCH) == frozenset()


def test_a_failure_out_of_turn_costs_nobody_else() -> None:
    first = Earner("n2", 1.0, "203.0.114.7", HOUR, HOUR)
    failed = Earner("n3", 3700.0, "203.0.114.7", 0, HOUR, (Spell(3700.0, 7200.0 + 600),))
    assert refused([first, failed], TERMS, EPOCH) == {}
    assert left_behind([first, failed], TERMS, EPOCH) == frozenset()


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
