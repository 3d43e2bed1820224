"""What counts as one place."""

import pytest

from agent.places import place_of


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
