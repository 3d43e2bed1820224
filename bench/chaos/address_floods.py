"""Floods: ten times what one address may have of the api and of a relay, and who else suffers."""

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from agent.player import PlayError, play
from rtmp.addresses import RtmpAddress

Address = tuple[str, int]
LASTS_S = 10.0
API_RATE, RELAY_RATE = 400, 2_000
"""A second; one address may call the api 40 times, and come to a relay 200 times."""
LANES = 40
ANSWER_S_MAX = 5.0
LOOK_EVERY_S = 0.2
FROM, ASIDE = "10.200.251.1", "10.200.252.1"
"""The flood's address, and that of somebody else."""
_ASKED = b"GET /nodes?page_size=1 HTTP/1.1\r\nHost: api\r\n\r\n"
_HEALTH = b"GET /health HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n"


@dataclass
class Flooded:
    """What came of a flood."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    """0: no whole answer."""
    bare: int = 0
    """Refusals without `Retry-After`."""
    waits_s: list[float] = field(default_factory=list)
    """How long somebody else waited meanwhile."""
    failed: int = 0
    """How often somebody else was not served."""

    @property
    def shed(self) -> int:
        """Refused with 429 or 503, and told when to come again."""
        return self.statuses[429] + self.statuses[503] - self.bare

    @property
    def wrong(self) -> int:
        """Neither served nor shed as it should be."""
        return self.statuses.total() - self.statuses[200] - self.shed


async def of_api(api: Address) -> Flooded:
    """From one address, while another asks for /health."""
    told, until_s = Flooded(), time.monotonic() + LASTS_S
    aside = asyncio.create_task(_asks_aside(api, told, until_s))
    await asyncio.gather(*(_lane(api, told, until_s) for _ in range(LANES)))
    await aside
    return told


async def _lane(api: Address, told: Flooded, until_s: float) -> None:
    while time.monotonic() < until_s:
        with contextlib.suppress(OSError, TimeoutError, EOFError):
            reader, writer = await asyncio.open_connection(*api, local_addr=(FROM, 0))
            try:
                while time.monotonic() < until_s:
                    begun_s = time.monotonic()
                    told.sent += 1
                    status, is_told = await _asked(reader, writer)
                    told.statuses[status] += 1
                    told.bare += status in (429, 503) and not is_told
                    await asyncio.sleep(begun_s + LANES / API_RATE - time.monotonic())
            finally:
                writer.transport.abort()


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, bool]:
    """(status, whether it says when to come again); 0 if there is no whole answer."""
    async with asyncio.timeout(ANSWER_S_MAX):
        writer.write(_ASKED)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
    return int(head[9:12]), b"retry-after:" in head


async def _asks_aside(api: Address, told: Flooded, until_s: float) -> None:
    while time.monotonic() < until_s:
        begun_s, answer = time.monotonic(), b""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_S_MAX):
                reader, writer = await asyncio.open_connection(*api, local_addr=(ASIDE, 0))
                writer.write(_HEALTH)
                answer = await reader.read()
                writer.close()
        told.failed += b" 200 " not in answer[:16]
        told.waits_s.append(time.monotonic() - begun_s)
        await asyncio.sleep(LOOK_EVERY_S)


async def of_relay(node: RtmpAddress) -> Flooded:
    """Connections from one address that say nothing, while a viewer of another watches."""
    told, until_s, open_now = Flooded(), time.monotonic() + LASTS_S, set[asyncio.Task[None]]()
    watching = asyncio.create_task(_watches(node, told))
    begun_s = time.monotonic()
    while (now_s := time.monotonic()) < until_s:
        while told.sent < (now_s - begun_s) * RELAY_RATE:
            told.sent += 1
            task = asyncio.create_task(_knock((node.host, node.port), told, until_s))
            open_now.add(task)
            task.add_done_callback(open_now.discard)
            if told.sent % LANES == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0.02)
    await asyncio.gather(*open_now, watching)
    return told


async def _knock(at: Address, told: Flooded, until_s: float) -> None:
    """200 for who may stay to the end, 503 for who is turned away at once."""
    try:
        reader, writer = await asyncio.open_connection(*at, local_addr=(FROM, 0))
    except OSError:
        told.statuses[503] += 1
        return
    try:
        async with asyncio.timeout(max(0.1, until_s - time.monotonic())):
            await reader.read(1)
        told.statuses[503] += 1
    except (OSError, TimeoutError):
        told.statuses[200] += 1
    finally:
        writer.transport.abort()


async def _watches(node: RtmpAddress, told: Flooded) -> None:
    """The waits are those between two of its packets."""
    heard_s: list[float] = [time.monotonic()]
    try:
        hear = heard_s.append
        await play(node, LASTS_S, LASTS_S + ANSWER_S_MAX, lambda _: hear(time.monotonic()))
    except PlayError:
        told.failed += 1
    told.waits_s += [after - before for before, after in pairwise(heard_s)]
