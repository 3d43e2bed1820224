"""The caller's address is what our own proxies saw, and nothing that the caller wrote."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from api.http.callers import peer_of, told_address


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
        (1, ("203.0.113.1, \xff",), ""),
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


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:DB8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("2001:db8:0:0:0:0:0:7", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:443", "203.0.113.7"),
        ("::FFFF:cb00:7107", "203.0.113.7"),
        ('"203.0.113.7:4711"', "203.0.113.7"),
        ("  203.0.113.7\t", "203.0.113.7"),
        ("unknown", ""),
        ("_hidden", ""),
        ("", ""),
        ("fe80::1%eth0", ""),
        ("203.0.113.7:http", ""),
        ("203.0.113.7:", "203.0.113.7"),
        ("203.0.113.07", ""),
        ("203.0.113", ""),
        ("0xcb007107", ""),
        ("203.0.113.7]", ""),
        ("[203.0.113.7", "203.0.113.7"),
        ("[2001:db8::7]x", ""),
        ("api.example", ""),
        ("203.0.113.7 203.0.113.8", ""),
    ],
)
def test_an_entry_is_an_address_or_it_is_nobody_s(entry: str, address: str) -> None:
    """However a proxy writes it; never text that others would have to read again."""
    assert peer_of(_scope(f"192.0.2.1, {entry}"), 1) == address


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("for=203.0.113.7", "203.0.113.7"),
        (
            "for=192.0.2.60;proto=http;by=203.0.113.43, For=203.0.113.7:80 ;proto=https",
            "203.0.113.7",
        ),
        ('for="[2001:db8::7]:4711"', "2001:db8::7"),
        ("proto=https;for=203.0.113.7", "203.0.113.7"),
        ("for=192.0.2.60, proto=https", ""),
        ("for=192.0.2.60, for=unknown", ""),
        ("by=203.0.113.7", ""),
        ("xfor=203.0.113.7", ""),
    ],
)
def test_forwarded_is_read_where_no_proxy_writes_the_other(forwarded: str, address: str) -> None:
    """RFC 7239; X-Forwarded-For counts where there is one."""
    header = (b"forwarded", forwarded.encode())
    assert peer_of({"client": ("192.0.2.7", 1), "headers": [header]}, 1) == address
    both = {"client": None, "headers": [header, (b"x-forwarded-for", b"203.0.113.1")]}
    assert peer_of(both, 1) == "203.0.113.1"
    assert peer_of({"client": ("192.0.2.7", 1), "headers": [header]}, 0) == "192.0.2.7"


@given(st.text(max_size=60))
def test_whatever_is_written_is_one_address_or_none(entry: str) -> None:
    """In its one spelling: what is told of it is told of the same again."""
    found = told_address(entry)
    assert found == "" or found == str(ip_address(found)) == told_address(found)


def test_a_mapped_caller_of_our_own_socket_is_the_one_that_it_is() -> None:
    """As a listener for both kinds of address names it."""
    assert peer_of({"client": ("::ffff:203.0.113.7", 1), "headers": []}, 0) == "203.0.113.7"
