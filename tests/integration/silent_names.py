"""A program for a network namespace of its own: honest names behind a crowd of silent ones.

Its name server knows names of `honest.example` and answers nothing about others. Prints how many
of HONEST names were resolved after SILENT others had been asked for.
"""

import asyncio
import fcntl
import os
import socket
import struct
import threading

from coordinator.adapters.outbound import RESOLVERS_MAX, Outbound
from coordinator.polling.addresses import AddressRefused

SILENT, HONEST = 4 * RESOLVERS_MAX, 50
_ADDRESS = bytes((8, 8, 4, 4))
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_HEAD_BYTES, _A = 12, b"\x00\x01"


def _raise_loopback() -> None:
    """A new namespace has it switched off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _answer(question: bytes) -> bytes:
    """One address for A, none for AAAA."""
    name_end = question.index(b"\x00", _HEAD_BYTES) + 1
    is_a = question[name_end : name_end + 2] == _A
    counts = struct.pack(">HHHH", 1, int(is_a), 0, 0)
    record = b"\xc0\x0c" + _A + struct.pack(">HIH", 1, 60, 4) + _ADDRESS if is_a else b""
    return question[:2] + b"\x81\x80" + counts + question[_HEAD_BYTES : name_end + 4] + record


def _serve_names(server: socket.socket) -> None:
    while True:
        question, asker = server.recvfrom(512)
        if b"\x06honest" in question:
            server.sendto(_answer(question), asker)


async def _resolved(names: list[str]) -> int:
    """How many have an address."""
    outbound = Outbound(allow_private=False)
    asked = (outbound.resolve(name) for name in names)
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(one, str | AddressRefused) for one in found), found
    return sum(isinstance(one, str) for one in found)


async def main() -> None:
    _raise_loopback()
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    threading.Thread(target=_serve_names, args=(server,), daemon=True).start()
    assert not await _resolved([f"n{n}.silent.example" for n in range(SILENT)])
    print(await _resolved([f"n{n}.honest.example" for n in range(HONEST)]), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)  # threads may still wait for an answer
