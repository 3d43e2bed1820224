"""A load generator that is light enough to outrun what it measures: raw HTTP/1.1 on loopback.

`python -m bench.http_load PORT REQUESTS SECONDS CONNECTIONS`: REQUESTS is a file of whole requests,
each behind its length in decimal and a newline. Each connection sends one, waits for the whole
answer, and sends the next. Prints a line of JSON: answers by status, seconds, bytes, latencies.
"""

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import uvloop

CONNECT_SECONDS_MAX = 5.0


class Caller(asyncio.Protocol):
    """One connection that asks again and again."""

    def __init__(self, requests: Iterator[bytes], told: "Told") -> None:
        self._requests, self._told = requests, told
        self._received = bytearray()
        self._asked_s = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _length_in(bytes(self._received[:end]).lower())
        if len(self._received) < end + 4 + length:
            return
        status = int(self._received[9:12])
        self._told.answered(status, time.perf_counter() - self._asked_s, len(self._received))
        del self._received[: end + 4 + length]
        if not self._told.is_over:
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._told.is_over:
            self._told.statuses[0] += 1

    def _ask(self) -> None:
        self._asked_s = time.perf_counter()
        if self._transport is not None:
            self._transport.write(next(self._requests))


def _length_in(head: bytes) -> int:
    at = head.index(b"content-length:") + 15
    return int(head[at : head.find(b"\r\n", at) if b"\r\n" in head[at:] else None])


class Told:
    """What came back."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []
        self.bytes = 0
        self.is_over = False

    def answered(self, status: int, seconds: float, size: int) -> None:
        """Notes one answer."""
        self.statuses[status] += 1
        self.seconds.append(seconds)
        self.bytes += size


async def ask(port: int, requests: list[bytes], seconds: float, connections: int) -> Told:
    """Asks for so many seconds over so many connections."""
    told, loop = Told(), asyncio.get_running_loop()
    turns = itertools.cycle(requests)
    async with asyncio.timeout(CONNECT_SECONDS_MAX):
        opened = [
            await loop.create_connection(lambda: Caller(turns, told), "127.0.0.1", port)
            for _ in range(connections)
        ]
    await asyncio.sleep(seconds)
    told.is_over = True
    for transport, _ in opened:
        transport.abort()
    return told


def quantile(values: list[float], share: float) -> float:
    """The value that this share of all is not above; 0 without any."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def read_requests(path: Path) -> list[bytes]:
    """The requests of a file."""
    found, rest = [], path.read_bytes()
    while rest:
        length, _, rest = rest.partition(b"\n")
        found.append(rest[: int(length)])
        rest = rest[int(length) :]
    return found


def write_requests(path: Path, requests: list[bytes]) -> None:
    """What `read_requests` reads."""
    path.write_bytes(b"".join(b"%d\n%b" % (len(one), one) for one in requests))


def main(port: str, requests: str, seconds: str, connections: str) -> None:
    """Asks, and prints what came back."""
    asked = read_requests(Path(requests))
    started = time.perf_counter()
    told = uvloop.run(ask(int(port), asked, float(seconds), int(connections)))
    line = {
        "statuses": dict(told.statuses),
        "seconds": time.perf_counter() - started,
        "bytes": told.bytes,
        "p50_s": quantile(told.seconds, 0.5),
        "p95_s": quantile(told.seconds, 0.95),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main(*sys.argv[1:])
