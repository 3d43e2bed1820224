"""Mutated sessions against a relay: each is sent, heard for a moment, and left behind."""

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from rtmp.addresses import RtmpAddress
from tests.integration.recorded_sessions import mutated

SESSIONS = int(os.environ.get("SESSIONS", "5000"))
FUZZED = "fuzzed"
"""The stream that fuzzed publishers publish."""
AT_ONCE = 12
HEARD_S = 0.05
"""How long a session that the relay does not end is kept behind its last byte."""
SENT_S_MAX = 20.0
"""A relay that takes a session's bytes for no longer than this has hung."""
_READ_BYTES = 65_536
_PIECES = (7, 100, 1460, 65_536)


@dataclass(slots=True)
class Tally:
    """What came of many sessions."""

    ends: Counter[str] = field(default_factory=Counter)
    hung: list[int] = field(default_factory=list)
    """The seeds of sessions that the relay neither took nor ended."""

    @property
    def sessions(self) -> int:
        """How many were tried."""
        return sum(self.ends.values())


async def session(to: RtmpAddress, data: bytes, piece_bytes: int) -> str:
    """One session; gives `closed`, `open`, `refused` where nobody listens, or `hung`."""
    try:
        reader, writer = await asyncio.open_connection(to.host, to.port)
    except OSError:
        return "refused"
    hearing = asyncio.create_task(_hear(reader))
    try:
        async with asyncio.timeout(SENT_S_MAX):
            for at in range(0, len(data), piece_bytes):
                writer.write(data[at : at + piece_bytes])
                await writer.drain()
                if hearing.done():
                    return "closed"
        await asyncio.wait((hearing,), timeout=HEARD_S)
        return "closed" if hearing.done() else "open"
    except TimeoutError:
        return "hung"
    except OSError:
        return "closed"
    finally:
        writer.transport.abort()
        hearing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await hearing


async def fuzz(to: RtmpAddress, sessions: list[bytes], seeds: Iterable[int], tally: Tally) -> None:
    """Sessions of these seeds, some at once."""
    left = iter(seeds)

    async def work() -> None:
        for seed in left:
            data = mutated(sessions, seed)
            # Small pieces only of what is small: a session is a moment.
            piece_bytes = next((p for p in _PIECES[seed % 4 :] if len(data) / p < 400), _PIECES[-1])
            end = await session(to, data, piece_bytes)
            tally.ends[end] += 1
            if end == "hung":
                tally.hung.append(seed)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def _hear(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError):
        while await reader.read(_READ_BYTES):
            pass
