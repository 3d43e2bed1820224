"""A name server for a network namespace of its own, which does to a name what its label says.

`nx`, `servfail` and `refused` are answered so, `slow` too late, and `silent` not at all; every
other name has one address. `breaks` does the same to all names at once.
"""

import fcntl
import socket
import struct
import threading
from dataclasses import dataclass

SLOW_S = 3.0
"""Longer than anybody waits for a name."""
_ADDRESS = bytes((8, 8, 4, 4))
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_HEAD_BYTES, _A = 12, b"\x00\x01"
_CODES = {"ok": 0, "servfail": 2, "nx": 3, "refused": 5}


def raise_loopback() -> None:
    """A new namespace has it switched off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _answer(question: bytes, behaviour: str) -> bytes:
    """One address for A, none for AAAA; or why there is none."""
    name_end = question.index(b"\x00", _HEAD_BYTES) + 1
    is_there = behaviour == "ok" and question[name_end : name_end + 2] == _A
    counts = struct.pack(">HHHH", 1, int(is_there), 0, 0)
    record = b"\xc0\x0c" + _A + struct.pack(">HIH", 1, 60, 4) + _ADDRESS if is_there else b""
    flags = bytes((0x81, 0x80 | _CODES[behaviour]))
    return question[:2] + flags + counts + question[_HEAD_BYTES : name_end + 4] + record


@dataclass
class NameServer:
    """Serves port 53 of loopback until the program ends."""

    breaks: str = ""
    """What it does to every name; nothing while it works."""

    def begin(self) -> None:
        """Returns as soon as questions are heard."""
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, args=(server,), daemon=True).start()

    def _serve(self, server: socket.socket) -> None:
        while True:
            question, asker = server.recvfrom(512)
            behaviour = self.breaks or self._behaviour(question)
            if behaviour == "slow":
                late = (_answer(question, "ok"), asker)
                threading.Timer(SLOW_S, server.sendto, late).start()
            elif behaviour != "silent":
                server.sendto(_answer(question, behaviour), asker)

    def _behaviour(self, question: bytes) -> str:
        for label in ("nx", "servfail", "refused", "slow", "silent"):
            if bytes((len(label),)) + label.encode() in question:
                return label
        return "ok"
