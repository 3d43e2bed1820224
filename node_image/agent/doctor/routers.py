"""The first routers on the way out: a carrier's own NAT shows itself among them.

No privilege is needed: a datagram that may live for a few hops only is sent from an ordinary
socket, and the kernel keeps the router's complaint in the socket's error queue.
"""

import ipaddress
import select
import socket

HOPS_MAX = 4
_HOP_S_MAX = 0.7
_PORT = 33434  # where traceroute sends to
_IP_RECVERR = 11
_MSG_ERRQUEUE = 0x2000
_OFFENDER_AT = 16 + 4  # behind the error's own fields, the address of a sockaddr_in
CARRIER_NETWORK = ipaddress.IPv4Network("100.64.0.0/10")


def hops(address: str) -> list[str]:
    """The routers that answer, nearest first; none of them has to."""
    found = []
    for ttl in range(1, HOPS_MAX + 1):
        try:
            hop = _hop(address, ttl)
        except OSError:
            continue
        if hop == address:
            break
        if hop:
            found.append(hop)
    return found


def carrier_router(found: list[str]) -> str:
    """The first router inside the network that carriers translate from (RFC 6598), if any. Pure."""
    for hop in found:
        if ipaddress.IPv4Address(hop) in CARRIER_NETWORK:
            return hop
    return ""


def _hop(address: str, ttl: int) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        probe.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        probe.connect((address, _PORT))
        probe.send(b"")
        watch = select.poll()
        watch.register(probe, select.POLLERR)
        if not watch.poll(_HOP_S_MAX * 1000):
            return ""
        _, ancillary, _, _ = probe.recvmsg(64, 512, _MSG_ERRQUEUE)
        for level, kind, data in ancillary:
            if (level, kind) == (socket.IPPROTO_IP, _IP_RECVERR) and len(data) >= _OFFENDER_AT + 4:
                return socket.inet_ntoa(data[_OFFENDER_AT : _OFFENDER_AT + 4])
    return ""
