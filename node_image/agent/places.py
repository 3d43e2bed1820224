"""Where a stranger comes from, as far as limits count it. Pure."""

import ipaddress

_IPV6_PREFIX = 64
_NETWORK_PREFIXES = {4: 24, 6: 48}
"""What is handed to one owner: whoever has a /48 has 65,536 places."""


def place_of(host: str) -> str:
    """IPv4 as it is, IPv6 by its /64, which one line has; mapped IPv4 is IPv4."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False).network_address)
    return str(address)


def network_of(place: str) -> str:
    """The network that a place is in: /24 of IPv4, /48 of IPv6."""
    address = ipaddress.ip_address(place)
    prefix = _NETWORK_PREFIXES[address.version]
    return str(ipaddress.ip_network((address, prefix), strict=False).network_address)
