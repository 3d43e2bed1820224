"""A crowd at a node's statistics keeps no poll out: a poll that is missed is a minute unpaid."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from agent.shown import http_server
from agent.shown.http_server import make_server, open_socket
from emulator.processes.ports import LOOPBACK

PLACES = 4
ASKED = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
POLL = b"GET /stats.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def _app(is_over: asyncio.Event) -> Starlette:
    async def slow(_: Request) -> Response:
        await is_over.wait()
        return PlainTextResponse("")

    async def stats(_: Request) -> Response:
        return PlainTextResponse("")

    return Starlette(routes=[Route("/slow", slow), Route("/stats.json", stats)])


@pytest.mark.parametrize("asked", [b"", ASKED[:-2], ASKED])
async def test_a_crowd_that_holds_all_connections_keeps_no_poll_out(
    monkeypatch: pytest.MonkeyPatch, asked: bytes
) -> None:
    """Eight machines are enough to hold them all. Half requests give way, or else the oldest."""
    monkeypatch.setattr(http_server, "CONNECTIONS_MAX", PLACES)
    monkeypatch.setattr(http_server, "ADDRESS_CONNECTIONS_MAX", 1)
    is_over, listening = asyncio.Event(), open_socket(LOOPBACK, 0)
    port, server = listening.getsockname()[1], make_server(_app(is_over))
    serving = asyncio.create_task(server.serve([listening]))
    held = [
        await asyncio.open_connection(LOOPBACK, port, local_addr=(f"127.0.0.{n}", 0))
        for n in range(2, 2 + 2 * PLACES)
    ]
    for _, writer in held:
        writer.write(asked)
    for n in range(20, 20 + 2 * PLACES):
        own = (f"127.0.0.{n}", 0)
        reader, writer = await asyncio.open_connection(LOOPBACK, port, local_addr=own)
        writer.write(POLL)
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
    is_over.set()
    for _, writer in held:
        writer.transport.abort()
    server.stop()
    await serving
