"""A client that says what a test wants, to a real RTMP server."""

import asyncio
from types import TracebackType
from typing import cast

from rtmp.chunks import ChunkReader, ChunkWriter
from rtmp.handshake import PART_BYTES
from rtmp.messages import CommandMessage, Message, MessageKind, command, parse_command
from rtmp.player import PLAYER_LIMITS

PATIENCE_S = 30.0
GREETING = b"\x03" + bytes(2 * PART_BYTES)


class Client:
    """One connection. `async with await Client.connect(port) as client`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._chunks, self._messages = ChunkWriter(), ChunkReader(PLAYER_LIMITS)

    @classmethod
    async def connect(cls, port: int, host: str = "127.0.0.1") -> "Client":
        """Greeted."""
        client = cls(*await asyncio.open_connection(host, port))
        client.writer.write(GREETING)
        await client.reader.readexactly(len(GREETING))
        return client

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.writer.transport.abort()

    def say(self, *messages: Message, channel: int = 3) -> None:
        """Send messages, without waiting."""
        for message in messages:
            self.writer.write(self._chunks.write(channel, message))

    def ask(self, *asked: Message, app: str = "live", tc_url: str = "") -> None:
        """Connect, and ask for something."""
        self.say(command("connect", 1.0, {"app": app, "tcUrl": tc_url}), *asked)

    def stop_reading(self) -> None:
        """Take nothing off any more."""
        cast(asyncio.Transport, self.writer.transport).pause_reading()

    async def hear(self) -> Message | None:
        """The next message; None at the end of the connection."""
        async with asyncio.timeout(PATIENCE_S):
            while (message := self._messages.next_message()) is None:
                try:
                    data = await self.reader.read(65_536)
                except ConnectionError:
                    return None
                if not data:
                    return None
                self._messages.feed(data)
            return message

    async def hear_media(self) -> Message:
        """The next sound or picture."""
        while (message := await self.hear()) is not None:
            if message.kind in (MessageKind.AUDIO, MessageKind.VIDEO):
                return message
        raise AssertionError("the connection ended before media came")

    async def hear_command(self) -> CommandMessage | None:
        """The next command; None at the end of the connection."""
        while (message := await self.hear()) is not None:
            if message.kind == MessageKind.COMMAND:
                return parse_command(message)
        return None

    async def hear_code(self) -> str:
        """The code of the next status; empty at the end of the connection."""
        while (said := await self.hear_command()) is not None:
            info = said.argument(1)
            if isinstance(info, dict) and said.name in ("onStatus", "_error"):
                return str(info["code"])
        return ""

    async def until_closed(self) -> None:
        """Read on to the end of the connection."""
        while await self.hear() is not None:
            pass


def play(name: str) -> Message:
    """Asks to play."""
    return command("play", 4.0, None, name, -2000.0, stream_id=1)


def publish(name: str, key: str = "right") -> Message:
    """Asks to publish."""
    return command("publish", 5.0, None, f"{name}?key={key}", "live", stream_id=1)
