"""Where a stranger comes from, as far as limits count it. Pure."""

import ipaddress

_IPV6_PREFIX = 64


def place_of(host: str) -> str:
    """IPv4 as it is, IPv6 by its /64, which one line has; mapped IPv4 is IPv4."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False).network_address)
    return str(address)
