"""The caller's address is what our own proxies saw, and nothing that the caller wrote."""

import pytest
from starlette.types import Scope

from api.http.callers import peer_of


def _scope(*forwarded: str) -> Scope:
    headers = [(b"x-forwarded-for", entry.encode("latin-1")) for entry in forwarded]
    return {"client": ("192.0.2.7", 40_000), "headers": headers}


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer"),
    [
        (0, (), "192.0.2.7"),
        (0, ("203.0.113.1",), "192.0.2.7"),
        (1, (), "192.0.2.7"),
        (1, ("203.0.113.2",), "203.0.113.2"),
        (1, ("203.0.113.1, 203.0.113.2",), "203.0.113.2"),
        (1, ("203.0.113.1", "203.0.113.2"), "203.0.113.2"),
        (2, ("203.0.113.1, 203.0.113.2,203.0.113.3",), "203.0.113.2"),
        (2, ("203.0.113.1", "203.0.113.2", "203.0.113.3"), "203.0.113.2"),
        (3, ("203.0.113.2, 203.0.113.3",), "203.0.113.2"),
        (1, ("203.0.113.1, \xff",), "\xff"),
    ],
)
def test_the_entry_that_our_outermost_proxy_wrote_counts(
    proxies: int, forwarded: tuple[str, ...], peer: str
) -> None:
    """Counted from the right; a proxy may append to a header or add another one."""
    assert peer_of(_scope(*forwarded), proxies) == peer


def test_nobody_knows_the_peer_of_a_call_without_one() -> None:
    """As over a socket of the machine's own."""
    assert peer_of({"client": None, "headers": []}, 0) == ""
