"""What counts as one address and as one network: /24 of IPv4, /64 and /48 of IPv6."""

from ipaddress import IPv6Address, ip_address


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


def _prefix(address: IPv6Address, bits: int) -> str:
    return f"{IPv6Address(int(address) >> 128 - bits << 128 - bits)}/{bits}"
