"""Where a relay listens, and for how many there is room."""

import resource
import socket

from agent.relay.restream.admission import CONNECTIONS_MAX

BACKLOG = 1024
OWN_DESCRIPTORS = 96
"""For the loop, the statistics, the upstream and questions; a crowd asks many at once."""


def places() -> int:
    """How many connections there is room for: each is a descriptor, and some are for ourselves."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(CONNECTIONS_MAX, descriptors - OWN_DESCRIPTORS)


def listen(address: str, port: int) -> socket.socket:
    """The socket; for all of IPv4 it takes IPv6 too, where the machine has it."""
    if address == "0.0.0.0" and socket.has_dualstack_ipv6():  # noqa: S104 - it is for strangers
        return socket.create_server(
            ("::", port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True
        )
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=BACKLOG)
