"""A slow line: a TCP forwarder that delays, jitters, stalls, throttles, or cuts what it carries.

For honest nodes behind a poor connection, and for cheats that save upload:
`python -m emulator.link 127.0.0.1:20001 127.0.0.1:1935 --delay 0.1 --jitter 0.05 --stall 1`
Only the way down (upstream to client) is shaped; whatever the shape, no byte changes its place.
"""

import argparse
import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from emulator.processes.races import first_of

READ_BYTES = 65_536
QUEUE_SLICES_MAX = 4_096
CONNECTIONS_MAX = 64
CONNECT_SECONDS_MAX = 5.0
LOOK_SECONDS = 0.2
STALL_EVERY_S = 8.0

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a line does to the bytes that come down it; nothing by default."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    """Evenly in delay ± jitter; the order of the bytes stays."""
    stall_max_s: float = 0.0
    """About every STALL_EVERY_S the line stands still for up to so long."""
    bytes_per_s: float | None = None
    bytes_max: int | None = None
    """After so many the connection stays open, and silent."""
    seconds_max: float | None = None
    """After so long the connection is closed."""
    share: float = 1.0
    """Of the rate at which bytes come: with 0.9 the line falls behind a second in ten."""

    def behind_s(self, age_s: float) -> float:
        """How far a line that is so old has fallen behind."""
        return age_s * (1 / self.share - 1)

    @property
    def slice_bytes(self) -> int:
        """How much goes through at a time: at most a tenth of a second's worth."""
        return READ_BYTES if self.bytes_per_s is None else max(1, int(self.bytes_per_s / 10))


Admit = Callable[[asyncio.StreamReader], Awaitable[bytes | None]]
"""What of a caller's first bytes was read, to be passed on; None turns the caller away."""


async def everybody(_: asyncio.StreamReader) -> bytes:
    """Nobody is turned away, and nothing is read."""
    return b""


def always() -> bool:
    """The line is never cut."""
    return True


class Link:
    """One listening end. `is_open` is asked all the time: when it says no, callers are cut off."""

    def __init__(
        self,
        upstream: Address,
        shape: Shape | None = None,
        is_open: Callable[[], bool] = always,
        admit: Admit = everybody,
    ) -> None:
        self._upstream = upstream
        self._admit = admit
        self._shape = shape or Shape()
        self._is_open = is_open
        self._open: set[asyncio.Task[Any]] = set()

    async def serve(self, at: Address) -> None:
        """Until cancelled. Raises OSError if the port is taken."""
        server = await asyncio.start_server(self._accept, *at, backlog=CONNECTIONS_MAX)
        async with server:
            try:
                await server.serve_forever()
            finally:
                for task in (tasks := list(self._open)):
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= CONNECTIONS_MAX or not self._is_open():
            writer.close()
            return
        self._open.add(task)
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                asked = await self._admit(reader)
                if asked is None:
                    return
                up_reader, up_writer = await asyncio.open_connection(*self._upstream)
            try:
                up_writer.write(asked)
                async with asyncio.timeout(self._shape.seconds_max):
                    await first_of(
                        _copy(reader, up_writer),
                        carry(up_reader, writer, self._shape),
                        self._until_cut(),
                    )
            finally:
                up_writer.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _until_cut(self) -> None:
        while self._is_open():  # noqa: ASYNC110 - a rule of time, nobody sets an event
            await asyncio.sleep(LOOK_SECONDS)


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, shape: Shape) -> None:
    """Moves bytes, shaped, until the reader ends. Raises OSError when a side is gone."""
    queue: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue(QUEUE_SLICES_MAX)
    await asyncio.gather(_take(reader, shape, queue), _give(queue, writer))


async def _take(
    reader: asyncio.StreamReader, shape: Shape, queue: "asyncio.Queue[tuple[float, bytes | None]]"
) -> None:
    """Reads slices and writes down when each is due; None at the end."""
    due_s, room, begun_s = 0.0, shape.bytes_max, time.monotonic()
    stalls_s = begun_s + random.uniform(0, STALL_EVERY_S)
    while data := await reader.read(shape.slice_bytes):
        now_s = time.monotonic()
        pause_s = 0.0 if shape.bytes_per_s is None else len(data) / shape.bytes_per_s
        if shape.stall_max_s and now_s > stalls_s:
            pause_s += random.uniform(0, shape.stall_max_s)
            stalls_s = now_s + random.uniform(0.5, 1.5) * STALL_EVERY_S
        late_s = shape.delay_s + random.uniform(-shape.jitter_s, shape.jitter_s)
        late_s += shape.behind_s(now_s - begun_s)
        due_s = max(due_s + pause_s, now_s + late_s)
        if room is not None:
            data, room = data[:room], room - len(data[:room])
        await queue.put((due_s, data))
    await queue.put((due_s, None))


async def _give(
    queue: "asyncio.Queue[tuple[float, bytes | None]]", writer: asyncio.StreamWriter
) -> None:
    while True:
        due_s, data = await queue.get()
        await asyncio.sleep(due_s - time.monotonic())
        if data is None:
            return
        writer.write(data)
        await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(READ_BYTES):
        writer.write(data)
        await writer.drain()


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> None:
    """Runs one link until it is killed."""
    parser = argparse.ArgumentParser(prog="python -m emulator.link", description=__doc__)
    parser.add_argument("listen", type=_address)
    parser.add_argument("upstream", type=_address)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds")
    parser.add_argument("--jitter", type=float, default=0.0, help="seconds, in both directions")
    parser.add_argument("--stall", type=float, default=0.0, help="seconds at most, now and then")
    parser.add_argument("--rate", type=float, default=None, help="bytes a second")
    asked = parser.parse_args()
    shape = Shape(asked.delay, asked.jitter, asked.stall, asked.rate)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(Link(asked.upstream, shape).serve(asked.listen))


if __name__ == "__main__":
    main()
