"""Asks the agent whether a player may play and a publisher publish: its hooks, one POST each."""

import asyncio
from urllib.parse import urlencode, urlsplit

from rtmp.requests import PlayAsked, PublishAsked

ANSWER_S_MAX = 8.0
"""The agent asks its coordinator for six at most."""
_ANSWER_BYTES_MAX = 4096
_YES = b" 204 "


class Questions:
    """One connection a question, on this machine."""

    def __init__(self, hooks: str) -> None:
        where = urlsplit(hooks)
        self._host, self._port = where.hostname or "127.0.0.1", where.port or 0

    async def may_play(self, asked: PlayAsked, tc_url: str) -> bool:
        """Whether the player asked for this relay, and not for a forwarder in front of it."""
        return await self._ask("play", {"name": asked.name, "tcurl": tc_url})

    async def may_publish(self, asked: PublishAsked) -> bool:
        """Whether the stream key is the right one."""
        fields = {"name": asked.name, "key": asked.query.get("key", "")}
        return await self._ask("publish", fields)

    async def _ask(self, question: str, fields: dict[str, str]) -> bool:
        """False also where nobody answers: the one who asked may come again."""
        body = urlencode(fields).encode()
        head = (
            f"POST /{question} HTTP/1.0\r\nHost: localhost\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                reader, writer = await asyncio.open_connection(self._host, self._port)
                try:
                    writer.write(head.encode() + body)
                    status = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError, ValueError):
            return False
        return len(status) <= _ANSWER_BYTES_MAX and _YES in status
