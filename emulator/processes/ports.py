"""TCP ports on loopback: taken, free, and reserved for one run."""

import errno
import random
import socket

from emulator.processes.proctable import holder_of

LOOPBACK = "127.0.0.1"
FIRST, LAST = 20_000, 27_000
"""Below Linux's range for outgoing connections, and without any that a node may not announce."""
_TRIES_MAX = 500


class PortTakenError(Exception):
    """A port that was asked for cannot be had. The message says who holds it and what to do."""


class Ports:
    """Ports handed out to one run. Runs side by side on one machine never get the same one.

    A port is only used later, by a child; until then it is reserved among runs by the name of an
    abstract Unix socket, which the kernel frees when the run ends in whatever way.
    """

    def __init__(self) -> None:
        self._reservations: list[socket.socket] = []

    def exactly(self, port: int, variable: str) -> int:
        """`port` itself. Raises PortTakenError; `variable` is the setting that would change it."""
        if not self._reserve(port):
            raise PortTakenError(
                f"port {port} is promised to another demo: choose another with {variable}=…"
            )
        try:
            _bind(port)
        except PermissionError:
            raise PortTakenError(
                f"port {port} is for administrators only: choose another with {variable}=…"
            ) from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            holder = holder_of(port)
            who, stop = (str(holder), "stop it, or ") if holder else ("another user's process", "")
            raise PortTakenError(
                f"port {port} is held by {who}: {stop}choose another with {variable}=…"
            ) from None
        return port

    def preferably(self, port: int) -> int:
        """`port` if it is free, else any."""
        try:
            return self.exactly(port, "PORT")
        except PortTakenError:
            return self.any()

    def any(self) -> int:
        """A free port."""
        for _ in range(_TRIES_MAX):
            try:
                return self.exactly(random.randint(FIRST, LAST), "PORT")
            except PortTakenError:
                continue
        raise PortTakenError(f"no free port between {FIRST} and {LAST}")

    def close(self) -> None:
        for reservation in self._reservations:
            reservation.close()

    def _reserve(self, port: int) -> bool:
        name = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            name.bind(f"\0restream-demo-port-{port}")
        except OSError:
            name.close()
            return False
        self._reservations.append(name)
        return True


def _bind(port: int) -> None:
    """Binds as a server would, and lets go again. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))
