"""A slow line changes when bytes arrive, never which."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from emulator.link import Address, Link, Shape, always
from tests.doubles.tcp_server import tcp_server
from tests.ports import free_port

SENT = random.Random(7).randbytes(300_007)
PATIENCE_S = 20.0


@asynccontextmanager
async def _line(shape: Shape, is_open: Callable[[], bool] = always) -> AsyncIterator[Address]:
    """A server that sends SENT to everybody and hangs up, behind a line; yields the line's end."""

    async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SENT)
        await writer.drain()

    at = ("127.0.0.1", free_port())
    async with tcp_server(send) as port:
        serving = asyncio.create_task(Link(("127.0.0.1", port), shape, is_open).serve(at))
        try:
            yield at
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


async def _connect(at: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await asyncio.open_connection(*at)
            except ConnectionRefusedError:
                await asyncio.sleep(0)


@pytest.mark.parametrize(
    "shape",
    [Shape(), Shape(delay_s=0.1, jitter_s=0.05, stall_max_s=0.2), Shape(bytes_per_s=1_000_000)],
    ids=["plain", "late and uneven", "throttled"],
)
async def test_every_byte_comes_through_in_order(shape: Shape) -> None:
    """And the end as well."""
    async with _line(shape) as at, asyncio.timeout(PATIENCE_S):
        reader, writer = await _connect(at)
        assert await reader.read(-1) == SENT
        writer.close()


async def test_a_line_that_stalls_stays_open_and_says_nothing_more() -> None:
    """As a node does that saves its upload."""
    async with _line(Shape(bytes_max=100_003)) as at, asyncio.timeout(PATIENCE_S):
        reader, writer = await _connect(at)
        assert await reader.readexactly(100_003) == SENT[:100_003]
        assert await reader.read(-1) == b""  # the server has hung up, so its line ends
        writer.close()


async def test_a_line_ends_after_its_time() -> None:
    """As a node does that saves itself long viewers."""
    shape = Shape(bytes_per_s=1_000, seconds_max=0.2)
    async with _line(shape) as at, asyncio.timeout(PATIENCE_S):
        reader, writer = await _connect(at)
        came = await reader.read(-1)
        assert SENT.startswith(came)
        assert len(came) < 10_000
        writer.close()


async def test_a_caller_may_be_turned_away_by_what_it_says() -> None:
    """Whoever is let through loses nothing of what it said first."""

    async def polite(reader: asyncio.StreamReader) -> bytes | None:
        hello = await reader.readexactly(5)
        return hello if hello == b"hello" else None

    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        heard.append(await reader.readexactly(11))

    at = ("127.0.0.1", free_port())
    async with tcp_server(listen) as port, asyncio.timeout(PATIENCE_S):
        serving = asyncio.create_task(Link(("127.0.0.1", port), admit=polite).serve(at))
        for said in (b"go away now", b"hello world"):
            reader, writer = await _connect(at)
            writer.write(said)
            assert await reader.read(-1) == b""
            writer.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert heard == [b"hello world"]


def test_a_line_of_nine_tenths_of_the_rate_falls_behind() -> None:
    """By a second in nine, for ever."""
    slow = Shape(share=0.9)
    assert [round(slow.behind_s(age_s), 6) for age_s in (0.0, 9.0, 90.0)] == [0, 1, 10]
    assert Shape().behind_s(90.0) == 0


async def test_a_cut_line_lets_nobody_through() -> None:
    """Connections are accepted and closed at once."""
    async with _line(Shape(), lambda: False) as at, asyncio.timeout(PATIENCE_S):
        reader, writer = await _connect(at)
        assert await reader.read(-1) == b""
        writer.close()
