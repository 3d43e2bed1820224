"""What counts as one address and as one network: /24 of IPv4, /64 and /48 of IPv6."""

import hashlib
from functools import lru_cache
from ipaddress import IPv6Address, ip_address


@lru_cache(maxsize=16_384)
def places_of(address: str | None) -> tuple[str | None, str | None]:
    """(what counts as one address, its network), such as `("203.0.114.7", "203.0.114.0/24")`.

    Of IPv6, a /64 is one address (a household holds one) and a /48 a network. Both None for
    what is not a public address."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return None, None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if not parsed.is_global:
        return None, None
    if isinstance(parsed, IPv6Address):
        return _prefix(parsed, 64), _prefix(parsed, 48)
    return str(parsed), f"{str(parsed).rpartition('.')[0]}.0/24"


def place_number(address: str | None) -> int:
    """What counts as one address, as a number of 32 bits; 0 for what is not public.

    Kept of every node. Of 16,000 two have the same one by chance, in one network of 34."""
    place, _ = places_of(address)
    return 0 if place is None else int.from_bytes(hashlib.sha256(place.encode()).digest()[:4])


@lru_cache(maxsize=4_096)
def one_address(address: str) -> str:
    """What counts as one address, also of those inside somebody's network; empty for none.

    Who has a thousand connections is parsed once: it is asked when each is taken."""
    plain = plain_address(address)
    return _prefix(IPv6Address(plain), 64) if ":" in plain else plain


def plain_address(text: str) -> str:
    """An address in its one spelling, a mapped IPv4 as IPv4; empty for what is none, or has a
    zone, which means something on one machine only."""
    try:
        parsed = ip_address(text)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address):
        if parsed.scope_id is not None:
            return ""
        parsed = parsed.ipv4_mapped or parsed
    return str(parsed)


def _prefix(address: IPv6Address, bits: int) -> str:
    return f"{IPv6Address(int(address) >> 128 - bits << 128 - bits)}/{bits}"
