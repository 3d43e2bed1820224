"""Connections that never end: what they cost others, and when they are over.

They are made by a process of their own, so that its work delays nobody whose wait is measured.
"""

import asyncio
import contextlib
import sys
import time
from dataclasses import dataclass

HALVES = 1_000
OVER_S_MAX = 30.0
LOOK_EVERY_S = 0.02
PROBES_AT_REST = 200
HEALTH = b"GET /health HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n\r\n"
_BODY = b"POST /streams HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"
_HALVES = (b"GET /health HTTP/1.1\r\nHost: a\r\n", _BODY, b"G", b"GET / HTTP/1.1")


@dataclass(frozen=True, slots=True)
class Flood:
    """What came of one."""

    delay_s: float
    """The longest that anybody waited for /health meanwhile, beyond what it takes at rest."""
    over_s: float
    """When the last of its connections was ended."""
    rest_worst_s: float
    """The longest wait at rest, just before: a busy machine's own part."""


async def beside(kind: str, host: str, port: int) -> Flood:
    """Looks at /health while a flood goes on: `endless` or `halves`."""
    at_rest = sorted([await _health_s(host, port) for _ in range(PROBES_AT_REST)])
    rest_s = at_rest[PROBES_AT_REST // 2]
    argv = (sys.executable, "-m", "bench.hostile_api.floods", kind, host, str(port))
    begun_s, worst_s = time.monotonic(), 0.0
    flood = await asyncio.create_subprocess_exec(*argv)
    ended = asyncio.create_task(flood.wait())
    try:
        while not ended.done() and time.monotonic() - begun_s < 2 * OVER_S_MAX:
            worst_s = max(worst_s, await _health_s(host, port))
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        if flood.returncode is None:
            flood.kill()
        await ended
    return Flood(max(0.0, worst_s - rest_s), time.monotonic() - begun_s, at_rest[-1] - rest_s)


async def _health_s(host: str, port: int) -> float:
    begun_s = time.monotonic()
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(HEALTH)
    answer = await reader.read()
    writer.transport.abort()
    if b" 200 " not in answer[:16]:
        raise AssertionError(f"/health answered {answer[:200]!r}")
    return time.monotonic() - begun_s


async def _endless(host: str, port: int) -> None:
    """A header that goes on as long as anybody reads it."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
    answer = asyncio.create_task(reader.read())
    with contextlib.suppress(OSError):
        while not answer.done():
            writer.write(b"x" * 65_536)
            await writer.drain()
            await asyncio.sleep(0)
    writer.transport.abort()


async def _half(number: int, host: str, port: int) -> None:
    """A part of the headers, or of a body, and then nothing."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(_HALVES[number % len(_HALVES)])
    with contextlib.suppress(OSError):
        await reader.read()
    writer.transport.abort()


async def _flood(kind: str, host: str, port: int) -> None:
    if kind == "halves":
        await asyncio.gather(*(_half(number, host, port) for number in range(HALVES)))
    else:
        await _endless(host, port)


if __name__ == "__main__":
    asyncio.run(_flood(sys.argv[1], sys.argv[2], int(sys.argv[3])))
