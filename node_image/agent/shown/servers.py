"""The agent's two servers: one for strangers, and one on loopback for its own relay."""

import asyncio
from asyncio import Task
from collections.abc import Mapping

from agent.relay.questions import AnswerHook
from agent.shown.http_server import NodePages, make_app, make_hooks_app, make_server, open_socket

_LOOPBACK = "127.0.0.1"
_STOP_S_MAX = 1.0


class Servers:
    """Open from the start, so that an address that is taken is told at once."""

    def __init__(
        self, pages: NodePages, hooks: Mapping[str, AnswerHook], address: str, port: int
    ) -> None:
        """Raises AddressError."""
        self._sockets = open_socket(address, port), open_socket(_LOOPBACK, 0)
        self._servers = (
            make_server(make_app(pages)),
            make_server(make_hooks_app(hooks), limited=False),
        )
        self._serving: set[Task[None]] = set()
        self.hooks_url = f"http://{_LOOPBACK}:{self._sockets[1].getsockname()[1]}"
        """Where the relay asks."""

    def start(self) -> set[Task[None]]:
        """Serve; a task of these that ends by itself has crashed."""
        pairs = zip(self._servers, self._sockets, strict=True)
        self._serving = {asyncio.create_task(server.serve([sock])) for server, sock in pairs}
        return self._serving

    async def stop(self) -> None:
        """End both, and wait for answers that are on their way."""
        for server in self._servers:
            server.stop()
        await asyncio.wait(self._serving, timeout=_STOP_S_MAX)
