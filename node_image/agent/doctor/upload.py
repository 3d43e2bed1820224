"""How fast this machine can send, measured where it has to talk anyway: at the coordinator.

A body is sent that nobody wants, and the kernel tells how much of it the other side's network has
acknowledged. A server that hangs up early ends the measurement without a result.
"""

import asyncio
import socket
import ssl
import struct
import time
from pathlib import Path
from urllib.parse import urlsplit

UPLOAD_S_MAX = 5.0
# Less than this fits into buffers on the way and says nothing of the way itself.
_TELLING_BYTES = 200_000
_CHUNK, _CHUNKS = bytes(16_384), 122  # 2 MB
_TCP_INFO_BYTES = 256
_BYTES_ACKED_AT = 120


async def upload_bits_per_s(coordinator_url: str, ca: Path | None) -> float | None:
    """Bits a second that were acknowledged; None if it could not be measured."""
    parts = urlsplit(coordinator_url)
    tls = ssl.create_default_context(cafile=ca) if parts.scheme == "https" else None
    port = parts.port or (443 if tls else 80)
    try:
        async with asyncio.timeout(UPLOAD_S_MAX):
            reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls)
    except (OSError, TimeoutError):
        return None
    sock = writer.get_extra_info("socket")
    begun_s = time.monotonic()
    acked = 0
    try:
        async with asyncio.timeout(UPLOAD_S_MAX):
            writer.write(_head(parts.path, parts.hostname or ""))
            for _ in range(_CHUNKS):
                writer.write(_CHUNK)
                await writer.drain()
            await reader.read(1)
    except (OSError, TimeoutError):
        pass  # what went out until then still tells
    finally:
        took_s = time.monotonic() - begun_s
        acked = _acked(sock)
        writer.close()
    return acked * 8 / took_s if acked >= _TELLING_BYTES else None


def _head(path: str, host: str) -> bytes:
    return (
        f"POST {path}/nodes/upload-test HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n"
        f"content-type: application/octet-stream\r\ncontent-length: {len(_CHUNK) * _CHUNKS}\r\n\r\n"
    ).encode("ascii", errors="replace")


def _acked(sock: socket.socket) -> int:
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    except OSError:
        return 0
    if len(info) < _BYTES_ACKED_AT + 8:
        return 0
    acked: int = struct.unpack_from("=Q", info, _BYTES_ACKED_AT)[0]
    return acked
