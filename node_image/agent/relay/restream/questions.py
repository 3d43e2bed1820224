"""Asks the agent: may a player play, a publisher publish, by which key does the ingest sign?

These are its hooks, one POST each.
"""

import asyncio
import re
from urllib.parse import urlencode, urlsplit

from rtmp.requests import PlayAsked, PublishAsked

ANSWER_S_MAX = 8.0
"""The agent asks its coordinator for six at most."""
_ANSWER_BYTES_MAX = 4096
_YES = b" 204 "
_KEY = re.compile(rb"HTTP/1\.[01] 200 .*\r\n\r\n([A-Za-z0-9_-]{43}|)", re.DOTALL)


class Questions:
    """One connection a question, on this machine."""

    def __init__(self, hooks: str) -> None:
        where = urlsplit(hooks)
        self._host, self._port = where.hostname or "127.0.0.1", where.port or 0

    async def may_play(self, asked: PlayAsked, tc_url: str) -> bool:
        """Whether the player asked for this relay, and not for a forwarder in front of it."""
        return await self._ask("play", {"name": asked.name, "tcurl": tc_url})

    async def may_publish(self, asked: PublishAsked, mark_key: str) -> bool:
        """Whether the stream key is the right one; this relay signs by `mark_key`."""
        fields = {"name": asked.name, "key": asked.query.get("key", ""), "mark_key": mark_key}
        return await self._ask("publish", fields)

    async def mark_key(self) -> str | None:
        """The public key of the stream's ingest; "" if it signs nothing, None if none answers."""
        answer = await self._post("mark-key", {})
        found = _KEY.fullmatch(answer)
        return found.group(1).decode() if found else None

    async def _ask(self, question: str, fields: dict[str, str]) -> bool:
        """False also where nobody answers: the one who asked may come again."""
        return _YES in (await self._post(question, fields)).partition(b"\r\n")[0]

    async def _post(self, question: str, fields: dict[str, str]) -> bytes:
        """The whole answer, or nothing."""
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
                    return await _whole(reader)
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return b""


async def _whole(reader: asyncio.StreamReader) -> bytes:
    """Up to its end; nothing of one that is longer than any answer."""
    answer = b""
    while part := await reader.read(_ANSWER_BYTES_MAX):
        answer += part
        if len(answer) > _ANSWER_BYTES_MAX:
            return b""
    return answer
