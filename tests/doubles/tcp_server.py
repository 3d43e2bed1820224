"""A TCP server of one test: it leaves neither a task nor a socket behind."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def tcp_server(
    serve: Serve, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Treats every connection like that, and yields its port. A client may hang up at any time.

    What is left over when a loop ends is found by a later test, which gets the blame for it.
    So each connection is closed behind its treatment, and cut off behind the block.
    """
    running: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def treat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            try:
                await serve(reader, writer)
            finally:
                writer.close()
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not server.is_serving():  # it was being accepted when the server closed
            writer.transport.abort()
            return
        task = asyncio.create_task(treat(reader, writer))
        running[task] = writer
        task.add_done_callback(running.pop)

    server = await asyncio.start_server(accept, host, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        tasks = list(running)
        for task, writer in running.items():
            task.cancel()
            writer.transport.abort()  # here, since a task that had not begun yet never does
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
