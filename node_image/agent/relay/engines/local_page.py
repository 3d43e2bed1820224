"""Reads a relay's statistics page on this machine: one attempt, bounded in time and size.

It is read every second for as long as the node lives, so it is done by hand: a client library took
five times the CPU of everything else that the agent does.
"""

import asyncio
from collections.abc import Awaitable, Callable

from agent.relay.engines.engine import EngineSilentError

READ_S_MAX = 1.5
_PAGE_BYTES_MAX = 1_000_000

Open = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
"""Opens a connection to the page's server."""


class LocalPage:
    """A page that a relay serves to its agent only, on a connection of its own each time."""

    def __init__(self, what: str, path: str, open_connection: Open) -> None:
        """`what` names the page in errors."""
        self._what = what
        # Version 1.0, so that the answer comes in one piece and ends with the connection.
        self._request = f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode("ascii")
        self._open = open_connection

    async def read(self) -> bytes:
        """The whole body, whatever its status. Raises EngineSilentError."""
        try:
            async with asyncio.timeout(READ_S_MAX):
                reader, writer = await self._open()
                try:
                    writer.write(self._request)
                    answer = await _read_to_end(reader)
                finally:
                    writer.close()
        except (OSError, TimeoutError) as e:
            raise EngineSilentError(f"{self._what}: {str(e) or type(e).__name__}") from e
        if len(answer) > _PAGE_BYTES_MAX:
            raise EngineSilentError(f"{self._what} are too long")
        return answer.partition(b"\r\n\r\n")[2]


async def _read_to_end(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    while len(answer) <= _PAGE_BYTES_MAX and (part := await reader.read(65_536)):
        answer += part
    return answer
