"""A node's source: pulls the stream from its ingest, and comes back whatever happens to it."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent.relay.restream.pace import PullPace
from rtmp.addresses import RtmpAddress
from rtmp.errors import RtmpError
from rtmp.line import ANSWER_BYTES_MAX
from rtmp.messages import Message, MessageKind
from rtmp.player import PlayEnd, Player

ANSWER_S_MAX = 5.0
FROZEN_S = 8.0
"""An upstream that sends nothing for so long, not even a ping, has frozen."""
_READ_BYTES = 262_144


@dataclass(frozen=True, slots=True)
class Source:
    """Where to connect, and what to ask for there."""

    address: RtmpAddress
    ip: str


@dataclass(frozen=True, slots=True)
class Sink:
    """Who is told what comes."""

    begin: Callable[[], Awaitable[None]]
    """Called before the first message of each connection."""
    take: Callable[[Message], None]
    note: Callable[[bytes], None]
    """The bytes of each read, before anybody looks into them."""
    log: Callable[[str], None]


class Upstream:
    """Pulls until it is cancelled."""

    def __init__(self, source: Source, sink: Sink, chance: float) -> None:
        """`chance` lies in [0, 1)."""
        self._address, self._ip, self._sink = source.address, source.ip, sink
        self._clock = time.monotonic
        self._pace = PullPace(self._clock(), chance)
        self._wanted = asyncio.Event()
        self._had_media = False

    def hurry(self) -> None:
        """The stream is said to be live: a new line begins for all who are told."""
        self._wanted.set()

    async def run(self) -> None:
        """Pull, and pull again."""
        while True:
            self._had_media = False
            self._pace.tried(self._clock())
            why = await self._pull()
            self._sink.log(f"the upstream is gone: {why}")
            if self._had_media:
                self._pace.lost(self._clock())
                self._wanted.clear()
            await self._wait()

    async def _wait(self) -> None:
        """Until the next try. Who is hurried never waits longer than it would have."""
        try_s = self._pace.next_s(self._clock())
        while (left_s := try_s - self._clock()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._wanted.wait()
                    self._wanted.clear()
                    now_s = self._clock()
                    self._pace.lost(now_s)
                    try_s = min(try_s, self._pace.next_s(now_s))

    async def _pull(self) -> str:
        """One connection, to its end; gives why it ended."""
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                reader, writer = await asyncio.open_connection(self._ip, self._address.port)
        except (OSError, TimeoutError) as error:
            return str(error) or type(error).__name__
        try:
            return await self._play(reader, writer)
        except (OSError, RtmpError) as error:
            return str(error) or type(error).__name__
        except TimeoutError:
            return f"nothing came for {FROZEN_S:.0f} s"
        finally:
            writer.transport.abort()

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        player = Player(self._address)
        try:
            return await self._play_on(player, reader, writer)
        finally:
            if player.turn:
                self._pace.tell(player.turn, self._had_media)

    async def _play_on(
        self, player: Player, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> str:
        await self._sink.begin()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(FROZEN_S) as frozen:
            while True:
                answer(player, writer)
                data = await reader.read(_READ_BYTES)
                if not data:
                    return "it closed the connection"
                frozen.reschedule(loop.time() + FROZEN_S)
                self._sink.note(data)
                player.feed(data)
                while (event := player.next_event()) is not None:
                    if isinstance(event, PlayEnd):
                        return event.code or event.says
                    self._had_media |= event.kind != MessageKind.DATA
                    self._sink.take(event)


def answer(player: Player, writer: asyncio.StreamWriter) -> None:
    """Send what the player has to say. Raises RtmpError where nobody takes it off."""
    writer.write(player.answers())
    if writer.transport.get_write_buffer_size() > ANSWER_BYTES_MAX:
        raise RtmpError("it does not take our answers off")
