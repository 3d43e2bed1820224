"""Servers of statistics, kind and hostile, for whoever polls them over real sockets."""

import asyncio
import json

from tests.doubles.tcp_server import Serve


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
