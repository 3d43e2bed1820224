"""The api behind its own edge, in this process: real connections on loopback, stores in memory."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn
from functions_framework.aio import _create_asgi_app_with_function
from starlette.requests import Request
from starlette.types import ASGIApp

from api.http.connection_places import ConnectionLimits
from api.http.doorway import protocol_of
from api.http.served_protocol import ServedProtocol
from coordinator.adapters.clock import Clock, system_clock
from emulator.processes.ports import LOOPBACK

PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class EdgeServer:
    """Where it listens, and what its server holds."""

    port: int
    server: uvicorn.Server

    @property
    def served(self) -> int:
        """Connections that the server has begun to read requests of."""
        held = self.server.server_state.connections
        return sum(isinstance(one, ServedProtocol) for one in held)

    async def tell(self, *parts: bytes) -> bytes:
        """All that is answered to these bytes, until the end of the connection."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            async with asyncio.timeout(PATIENCE_S):
                return await reader.read()
        finally:
            writer.transport.abort()


@asynccontextmanager
async def edge_server(
    app: ASGIApp,
    limits: ConnectionLimits,
    trusted_proxies: int = 0,
    clock: Clock = system_clock,
) -> AsyncIterator[EdgeServer]:
    """An application as functions-framework serves it, within other limits."""

    async def served(_: Request) -> ASGIApp:
        return app

    # What its command line makes of a module, without one.
    framed = _create_asgi_app_with_function(served, "http", False)  # type: ignore[no-untyped-call]
    config = uvicorn.Config(
        framed,
        http=protocol_of(limits, trusted_proxies, clock),
        date_header=False,
        ws="none",
        lifespan="off",
        log_level="error",
        proxy_headers=False,
        timeout_keep_alive=2,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield EdgeServer(listener.getsockname()[1], server)
        finally:
            server.should_exit = True
            await serving
