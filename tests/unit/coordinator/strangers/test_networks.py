"""What one address is, and what stands beside it."""

import pytest

from coordinator.strangers.networks import places_of


@pytest.mark.parametrize(
    ("address", "places"),
    [
        ("203.0.114.7", ("203.0.114.7", "203.0.114.0/24")),
        ("2a01:4f8:13:17::2", ("2a01:4f8:13:17::/64", "2a01:4f8:13::/48")),
        ("::ffff:203.0.114.7", ("203.0.114.7", "203.0.114.0/24")),
        ("10.0.0.7", (None, None)),
        ("::1", (None, None)),
        ("fe80::7", (None, None)),
        ("not an address", (None, None)),
        (None, (None, None)),
    ],
)
def test_an_address_stands_in_its_network(
    address: str | None, places: tuple[str | None, str | None]
) -> None:
    """IPv4 as itself in a /24, IPv6 as its /64 in a /48."""
    assert places_of(address) == places
