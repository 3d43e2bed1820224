"""A program for a network namespace of its own: honest names behind a crowd of silent ones.

Its name server knows names of `honest.example` and answers nothing about others. Prints what
came of SILENT names, and of HONEST others that were asked for behind them, and after them.
"""

import asyncio
import fcntl
import json
import os
import socket
import struct
import threading
from collections import Counter

from coordinator.adapters.outbound.guard import RESOLVERS_MAX, Guard
from coordinator.strangers.addresses import AddressRefused

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


async def _outcome(guard: Guard, name: str) -> str:
    """`resolved`, or the reason why not."""
    try:
        await guard.resolve(name)
    except AddressRefused as refused:
        return refused.reason.value
    return "resolved"


async def _outcomes(guard: Guard, host: str, count: int) -> Counter[str]:
    asked = (_outcome(guard, f"n{n}.{host}.example") for n in range(count))
    return Counter(await asyncio.gather(*asked))


async def main() -> None:
    _raise_loopback()
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    threading.Thread(target=_serve_names, args=(server,), daemon=True).start()
    guard = Guard(allow_private=False)
    silent = asyncio.create_task(_outcomes(guard, "silent", SILENT))
    meanwhile = asyncio.create_task(_outcomes(guard, "honest", HONEST))
    told = {
        "silent": await silent,
        "honest meanwhile": await meanwhile,
        "honest then": await _outcomes(guard, "honest", HONEST),
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)  # threads may still wait for an answer
