"""A node that attacks whoever checks it, or says nothing at all.

Run as `python -m emulator.cheats.broken crash` (a right RTMP handshake, then bytes meant to break
a parser, others for each connection) or `… broken mute` (accepts connections, never says a word).
"""

import asyncio
import contextlib
import os
import random
import struct
import sys
import time
from collections.abc import Callable

from emulator.cheats.false_claims import FalseClaims, Setup, run

HELD_SECONDS_MAX = 30.0
HANDSHAKE_BYTES = 1536


def _message(kind: int, body: bytes, claimed: int | None = None) -> bytes:
    """One RTMP message in one chunk; `claimed` is the length it lies about."""
    length = (len(body) if claimed is None else claimed).to_bytes(3, "big")
    return b"\x03\x00\x00\x00" + length + bytes([kind]) + b"\x01\x00\x00\x00" + body


def _huge_chunks() -> bytes:
    """A chunk size of two gigabytes, then a message of 16 MB that never comes."""
    return _message(1, b"\x7f\xff\xff\xff") + _message(9, b"\x17\x01\x00\x00\x00", 0xFFFFFF)


def _deep_amf() -> bytes:
    """An answer to `connect` that nests objects beyond any stack."""
    body = b"\x02\x00\x07_result" + b"\x00" + struct.pack(">d", 1) + b"\x03\x00\x01a" * 20_000
    return _message(1, b"\x00\x10\x00\x00") + _message(20, body)


def _broken_codec() -> bytes:
    """Codec headers that promise more than they hold, then pictures of noise."""
    header = b"\x17\x00\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff" + random.randbytes(64)
    pictures = [_message(9, b"\x17\x01\x00\x00\x00" + random.randbytes(120)) for _ in range(50)]
    return _message(9, header) + b"".join(pictures)


def _noise() -> bytes:
    """Anything."""
    return random.randbytes(200_000)


def _swapped_chunks() -> bytes:
    """Chunks that continue messages which never began, on every channel."""
    return b"".join(bytes([0xC0 | n]) + random.randbytes(128) for n in range(2, 64))


ATTACKS: tuple[Callable[[], bytes], ...] = (
    _huge_chunks,
    _deep_amf,
    _broken_codec,
    _noise,
    _swapped_chunks,
)


async def _attack(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    asked = await reader.readexactly(1 + HANDSHAKE_BYTES)
    writer.write(b"\x03" + bytes(8) + random.randbytes(HANDSHAKE_BYTES - 8) + asked[1:])
    await reader.readexactly(HANDSHAKE_BYTES)
    writer.write(random.choice(ATTACKS)())
    await writer.drain()
    await reader.read()


async def _mute(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.read(4096):
        pass


async def broken() -> None:
    """Attacks until killed."""
    setup = Setup.from_env(os.environ)
    treat = _attack if sys.argv[1:] == ["crash"] else _mute

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(HELD_SECONDS_MAX):
                await treat(reader, writer)
        writer.close()

    server = await asyncio.start_server(accept, setup.bind_address, setup.rtmp_port)
    async with server:
        await FalseClaims(setup, time.time()).run()


if __name__ == "__main__":
    run(broken)
