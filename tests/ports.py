"""Ports for what tests start."""

import random
import socket
from contextlib import suppress

PORTS = range(11_300, 20_000)
"""Below those that the kernel gives out, and those of demos; a node may announce any of them."""
_PORTS = random.sample(PORTS, len(PORTS))  # in any order, each once


def free_port() -> int:
    """A TCP port of loopback that nobody listens on, and that nobody is given before it is used.

    That may be seconds later: the kernel would give a port of its own choice out again meanwhile.
    """
    while True:
        port = _PORTS.pop()
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
