"""Servers on loopback that answer badly, and a way to know that nothing of them is left."""

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from coordinator.strangers.addresses import HttpAddress
from tests.doubles.tcp_server import tcp_server

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What a server does with one connection."""

SECONDS_MAX = 30.0


@dataclass
class Server:
    """A running server, what it was asked, and how many connections it has open."""

    port: int
    host: str = "127.0.0.1"
    heads: list[bytes] = field(default_factory=list)
    """The first bytes of each connection."""
    accepted: int = 0
    open: int = 0

    @property
    def address(self) -> HttpAddress:
        """Where its stats would be."""
        return HttpAddress(self.host, self.port, "/stats.json")


async def until(condition: Callable[[], bool]) -> None:
    """Returns once the condition holds; fails after SECONDS_MAX."""
    async with asyncio.timeout(SECONDS_MAX):
        while not condition():  # noqa: ASYNC110 - of the kernel's sockets nobody tells us
            await asyncio.sleep(0.001)


def sockets() -> int:
    """How many sockets this process has open."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
        except FileNotFoundError:  # the descriptor of the listing itself
            continue
    return found


@asynccontextmanager
async def serving(
    script: Script, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """Runs a server. On leaving it waits until every connection was ended by the other side."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.accepted += 1
        server.open += 1
        try:
            await script(reader, writer)
        finally:
            server.open -= 1

    async with tcp_server(serve, host, tls=tls) as port:
        server = Server(port, host)
        yield server
        await until(lambda: server.open == 0)


async def read_head(reader: asyncio.StreamReader) -> bytes:
    """The request, as far as its empty line."""
    return await reader.readuntil(b"\r\n\r\n")


def saying(answer: bytes) -> Script:
    """Reads the request, sends these bytes, and closes in an orderly way."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(answer)
        await writer.drain()

    return script


def saying_and_staying(answer: bytes) -> Script:
    """Sends these bytes, and then nothing until the client gives up."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(answer)
        await reader.read()

    return script


def repeating(start: bytes, again: bytes, *, pause_s: float = 0.0) -> Script:
    """Sends the start, then the same bytes again and again until the client gives up."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(start)
        while not reader.at_eof():
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return script


async def hang_up_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes before the request is read."""


async def read_and_hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes without a word."""
    await read_head(reader)


def resetting(answer: bytes) -> Script:
    """Sends these bytes and ends the connection with a reset."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)  # what is left unread makes the kernel send a reset
        writer.write(answer)
        await writer.drain()
        linger = writer.get_extra_info("socket")
        linger.setsockopt(1, 13, b"\x01\0\0\0\0\0\0\0")  # SO_LINGER for no time at all
        writer.transport.abort()

    return script


def stats_of(node_id: str, stream_id: str = "s3") -> bytes:
    """The statistics that a node's agent serves, of one live stream."""
    stream = {"id": stream_id, "state": "live", "viewers": 2, "bytes_in": 7, "bytes_out": 11}
    relay = {"state": "running"}
    body = {"schema": "restream-node/1", "node_id": node_id, "relay": relay, "stream": stream}
    return json.dumps(body).encode()


def sized(body: bytes) -> bytes:
    """A proper answer of this body."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
