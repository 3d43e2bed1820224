"""Connections that never end: what they cost others, and when they are over.

They are made by a process of their own, so that its work delays nobody whose wait is measured.
"""

import asyncio
import contextlib
import os
import socket
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass

from bench.processes import MeasuredChild

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
    """The longest wait at rest, looked at for as long: a busy machine's own part."""


async def beside(kind: str, host: str, port: int) -> Flood:
    """Looks at /health while a flood goes on: `endless` or `halves`; and then without it."""
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
    over_s = time.monotonic() - begun_s
    alone_s = await _worst_s(host, port, over_s)
    return Flood(max(0.0, worst_s - rest_s), over_s, max(0.0, alone_s - rest_s))


async def _worst_s(host: str, port: int, for_s: float) -> float:
    begun_s, worst_s = time.monotonic(), 0.0
    while time.monotonic() - begun_s < for_s:
        worst_s = max(worst_s, await _health_s(host, port))
        await asyncio.sleep(LOOK_EVERY_S)
    return worst_s


def queued_cpu_s(server: MeasuredChild, host: str, port: int) -> float:
    """What the server spends until it answers /health, with all half requests before that in its
    queue: the worst that they can do, however busy the machine is."""
    with ExitStack() as stack:
        with server.held():
            for number in range(HALVES):
                _said(stack, host, port, _HALVES[number % len(_HALVES)])
            health = _said(stack, host, port, HEALTH)
            begun_s = server.cpu_s()
        if b" 200 " not in health.recv(16):
            raise AssertionError("/health is not well")
        return server.cpu_s() - begun_s


def _said(stack: ExitStack, host: str, port: int, sent: bytes) -> socket.socket:
    made = stack.enter_context(socket.create_connection((host, port), timeout=OVER_S_MAX))
    made.sendall(sent)
    return made


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
    os.nice(19)  # who is measured beside it goes first
    asyncio.run(_flood(sys.argv[1], sys.argv[2], int(sys.argv[3])))
