"""A place excludes others only for the minutes that it takes."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from coordinator.ledger.address_turns import Earner
from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.paid_places import network_limit, refused
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.strangers.networks import places_of

EPOCH = EpochMinutes(1800, 1860, 5)
BITS = st.integers(0, (1 << EPOCH.count) - 1)
ADDRESSES = [
    None,
    "10.0.0.7",
    *(f"203.0.114.{n}" for n in range(9)),
    *(f"51.{n}.7.7" for n in range(9)),
]


@st.composite
def earners(draw: st.DrawFn, address: st.SearchStrategy[str | None]) -> list[Earner]:
    """With minutes that they take, and claim."""
    count = draw(st.integers(0, 23))
    return [
        Earner(
            f"n{at}",
            draw(st.integers(1, 1799)),
            draw(address),
            takes := draw(BITS),
            takes | draw(BITS),
        )
        for at in range(count)
    ]


TERMS = st.builds(
    Terms,
    st.just(1),
    st.integers(1, 11),
    st.just(5),
    network_percent=st.sampled_from([1, 20, 50, 99]),
    network_nodes_free=st.integers(1, 3),
)


@given(earners(st.sampled_from(ADDRESSES)), TERMS)
def test_each_minute_is_given_away_by_itself(known: list[Earner], terms: Terms) -> None:
    """As if there were no other: longest service first, within its network's share."""
    found = refused(known, terms, EPOCH)
    for minute in range(EPOCH.count):
        why = {
            node_id: next((reason for reason, bits in of.items() if bits >> minute & 1), None)
            for node_id, of in found.items()
        }
        expected = _given_away(known, terms, minute)
        assert {node_id: reason for node_id, reason in why.items() if reason} == expected


def _given_away(known: list[Earner], terms: Terms, minute: int) -> dict[str, Reason]:
    """Who has no place in a minute, and why: minute by minute, and slowly."""
    wrong: dict[str, Reason] = {}
    held = set[str]()
    for one in sorted(
        known, key=lambda one: (one.first_pass_s // 600, -one.first_pass_s, one.node_id)
    ):
        place, _ = places_of(one.address)
        if place in held and one.takes >> minute & 1:
            wrong[one.node_id] = Reason.SAME_ADDRESS
        if place and one.claims >> minute & 1:
            held.add(place)
    wants = [one for one in known if one.takes >> minute & 1 and one.node_id not in wrong]
    networks = {one.node_id: places_of(one.address)[1] for one in wants}
    sizes = Counter(networks.values())
    unlimited = sizes.pop(None, 0)
    limit = network_limit(list(sizes.values()), unlimited, terms)
    paid, taken = 0, Counter[str]()
    for one in sorted(wants, key=lambda one: (one.first_pass_s, one.node_id)):
        network = networks[one.node_id]
        if network is not None and taken[network] >= limit:
            wrong[one.node_id] = Reason.NETWORK_SHARE
        elif paid >= terms.max_paid_nodes:
            wrong[one.node_id] = Reason.BEYOND_MAX_PAID_NODES
        else:
            paid += 1
            taken.update([network] if network else ())
    return wrong


@given(earners(st.none()), st.integers(1, 5))
def test_who_is_refused_a_minute_finds_it_full(known: list[Earner], most: int) -> None:
    """Of those who are paid or wait in that very minute. S6 held a place for an hour by one."""
    found = refused(known, Terms(1, most, 5), EPOCH)
    for minute in range(EPOCH.count):
        takers = {one.node_id for one in known if one.takes >> minute & 1}
        left_out = {
            name for name, of in found.items() if any(bits >> minute & 1 for bits in of.values())
        }
        assert left_out <= takers
        assert len(takers - left_out) == min(most, len(takers))
