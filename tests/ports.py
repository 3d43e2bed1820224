"""Ports for what tests start."""

import random
import socket
from contextlib import suppress

PORTS = range(11_300, 20_000)
"""Below those that the kernel gives out, and those of demos; a node may announce any of them."""
BLOCK = 100
_BLOCKS = random.sample(PORTS[::BLOCK], len(PORTS) // BLOCK)
_PORTS: list[int] = []
_TAKEN: list[socket.socket] = []
"""One for each block that is this process's: the kernel frees their names when it ends."""


def free_port() -> int:
    """A TCP port of loopback that nobody listens on, and that nobody is given before it is used.

    That may be seconds later, or never: the kernel would give a port of its own choice out again
    meanwhile, and other tests run in processes beside this one. So each has blocks of its own."""
    while True:
        if not _PORTS:
            _PORTS.extend(_block())
        port = _PORTS.pop()
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def _block() -> range:
    """Some ports that no other process takes while this one lives; IndexError without any left."""
    while True:
        first, taken = _BLOCKS.pop(), socket.socket(socket.AF_UNIX)
        try:
            taken.bind(f"\0restream-test-ports-{first}")
        except OSError:
            taken.close()
            continue
        _TAKEN.append(taken)
        return range(first, first + BLOCK)
