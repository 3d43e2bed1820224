"""Servers of statistics, kind and hostile, for whoever polls them over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def stats_of(node_id: str, state: str = "live", bytes_in: int = 7) -> bytes:
    """What a node's agent answers with."""
    stream = {"id": "s3", "state": state, "viewers": 2, "bytes_in": bytes_in, "bytes_out": 11}
    return json.dumps(
        {
            "schema": "restream-node/1",
            "node_id": node_id,
            "relay": {"state": "running"},
            "stream": stream,
        }
    ).encode()


def says(body: bytes, head: bytes = b"HTTP/1.1 200 OK\r\n") -> Serve:
    """Answers everybody with the same."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    return serve


async def hangs(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Answers nobody."""
    await reader.read()


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[int]:
    """The port that it listens at."""

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the collector hung up, as it should
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
