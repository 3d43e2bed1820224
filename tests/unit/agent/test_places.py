"""What counts as one place."""

import pytest

from agent.places import network_of, place_of


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("fe80::7%eth0", "fe80::"),
    ],
)
def test_an_address_is_counted_by_what_one_line_has(host: str, place: str) -> None:
    assert place_of(host) == place


@pytest.mark.parametrize(
    ("place", "network"),
    [("203.0.113.5", "203.0.113.0"), ("2001:db8:1:2::", "2001:db8:1::"), ("::", "::")],
)
def test_a_network_is_what_one_owner_has(place: str, network: str) -> None:
    assert network_of(place) == network
