"""One connection that plays a stream, inside this process: bytes from a stranger, under limits.

Nothing is kept of it but what the player needs for messages that are not whole.
"""

import asyncio
import errno
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, cast

from coordinator.adapters.clock import Clock
from coordinator.proof.captures import Ending, Steps
from rtmp.addresses import RtmpAddress
from rtmp.chunks import CHUNK_BYTES_DEFAULT, ChunkLimits
from rtmp.errors import RtmpError
from rtmp.messages import Message, MessageKind
from rtmp.player import PLAYER_LIMITS, PlayEnd, Player, PlayStage

CONNECT_S_MAX = 5.0
ASK_S_MAX = 5.0
"""For handshake, `connect` and `createStream` together: four round trips."""
UNSENT_BYTES_MAX = 65_536
"""A server that does not even take our answers off is not waited for."""
SAYS_CHARACTERS_MAX = 200
MORE_BYTES = 65_536
"""Who reads so many at once has not read all that is there."""
ALLOWED_EVERY_S = 0.25
"""So often it is asked anew what may have come, and at once where it was not enough."""

_OURS = frozenset((
    errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EPERM,
))  # fmt: skip
"""What connecting fails with when we lack something; no peer can bring these about."""

Rests = Callable[[float], float]
"""How many seconds from a moment on nothing has to be read."""
Take = Callable[[Message, float], None]
"""Gets each message of media with the instant of its last byte."""


class Room(NamedTuple):
    """What one connection may have made us read by now."""

    size: int
    messages: int

    @property
    def limits(self) -> ChunkLimits:
        """No server has smaller chunks than those that it need not announce."""
        chunks_max = self.messages + self.size // CHUNK_BYTES_DEFAULT
        return PLAYER_LIMITS._replace(chunks_max=chunks_max, messages_max=self.messages)


Allowed = Callable[[], Room]
"""Says how much room there is by now; it never shrinks."""


class PlayConnection(asyncio.Protocol):
    """Connect with `open`, wait for `over`, and `close` in any case."""

    def __init__(
        self,
        address: RtmpAddress,
        now: Clock,
        take: Take,
        allowed: Allowed | None = None,
        rests: Rests | None = None,
    ) -> None:
        """`allowed`: what may come; None for a source that we trust.

        `rests`: where what comes need not be read at once."""
        self._address, self._now, self._take = address, now, take
        self._player = Player(address)
        self._allowed = allowed
        self._room = Room(0, 0)
        self._asked_room_s = 0.0
        self._received = 0
        self._rests = rests
        self._waking: asyncio.TimerHandle | None = None
        loop = asyncio.get_running_loop()
        self.asked: asyncio.Future[None] = loop.create_future()
        """Done when the stream was asked for."""
        self.over: asyncio.Future[None] = loop.create_future()
        """Done when nothing more comes."""
        self.steps = Steps()
        self.ending = Ending.PLANNED
        self.says = ""
        self.cpu_s = 0.0
        self.read_s = now()
        """When the last bytes came."""
        self._transport: asyncio.Transport | None = None

    async def open(self, ip: str) -> None:
        """Connect to `ip`, and ask for the stream; whatever goes wrong is the ending.

        Raises ValueError for a host name: whoever calls has resolved and judged it.
        """
        if not replace(self._address, host=ip).is_literal:
            raise ValueError(f"resolve and check the host first: {ip}")
        try:
            await self._connect(ip)
            await asyncio.wait(
                (self.asked, self.over), timeout=ASK_S_MAX, return_when=asyncio.FIRST_COMPLETED
            )
        except OSError as error:  # TimeoutError too
            self._end(ending_of(error), error.strerror or type(error).__name__)
        if not self.asked.done():
            self._end(Ending.SLOW, f"the stream was not asked for in {ASK_S_MAX:.0f} s")

    async def _connect(self, ip: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                await loop.create_connection(lambda: self, ip, self._address.port)
        except BaseException:
            # Given up in the moment in which it was accepted: the loop has closed it, and uvloop
            # tells nobody. That is how a machine looks that stood still.
            self._transport = None
            raise

    def close(self) -> None:
        """Leave as a viewer leaves; nothing is waited for."""
        self._end(Ending.PLANNED, "")
        transport, self._transport = self._transport, None
        if self._waking is not None:
            self._waking.cancel()
        if transport is not None and not transport.is_closing():
            self._player.leave()
            transport.write(self._player.answers())
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP's connect was accepted."""
        self._transport = cast("asyncio.Transport", transport)
        self.steps = replace(self.steps, connected_s=self._now())
        self._transport.write(self._player.answers())

    def data_received(self, data: bytes) -> None:
        """Take what came, and answer as a player does."""
        if self.over.done():
            return
        self.read_s = now_s = self._now()
        began_s = time.thread_time()
        try:
            self._bound(len(data), now_s)
            self._feed(data, now_s)
        except RtmpError as error:
            self._end(Ending.BROKEN, str(error))
        if self._allowed is not None and self._received > self._room.size:
            self._end(Ending.FLOOD, "more bytes than the stream has")
        self._answer()
        if self._rests is not None and len(data) < MORE_BYTES:
            self._rest(self._rests(now_s))
        self.cpu_s += time.thread_time() - began_s

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer hung up, or we did. uvloop raises where one uses what is gone."""
        self._transport = None
        self._end(Ending.CLOSED, type(exc).__name__ if exc else "")

    def _rest(self, seconds: float) -> None:
        """Leave what comes to the kernel for a moment: it is less work to read it together."""
        if seconds > 0 and self._transport is not None and not self.over.done():
            self._transport.pause_reading()
            self._waking = asyncio.get_running_loop().call_later(seconds, self._wake)

    def _wake(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _bound(self, size: int, now_s: float) -> None:
        """Hold the peer to what the stream has had by now."""
        self._received += size
        is_due = self._received > self._room.size or now_s > self._asked_room_s + ALLOWED_EVERY_S
        if self._allowed is not None and is_due:
            self._room, self._asked_room_s = self._allowed(), now_s
            self._player.allow(self._room.limits)

    def _feed(self, data: bytes, now_s: float) -> None:
        player = self._player
        player.feed(data)
        while (event := player.next_event()) is not None:
            if isinstance(event, PlayEnd):
                self._end(Ending.REFUSED, event.code or event.says)
                return
            if self.steps.media_s is None and event.kind != MessageKind.DATA:
                self.steps = replace(self.steps, media_s=now_s)
            self._take(event, now_s)
        if self.steps.asked_s is None:
            self._step(now_s)

    def _step(self, now_s: float) -> None:
        stage = self._player.stage
        if stage > PlayStage.GREETING and self.steps.greeted_s is None:
            self.steps = replace(self.steps, greeted_s=now_s)
        if stage >= PlayStage.PLAYING:
            self.steps = replace(self.steps, asked_s=now_s)
            self.asked.set_result(None)

    def _answer(self) -> None:
        transport = self._transport
        answer = self._player.answers()
        if transport is None or not answer:
            return
        transport.write(answer)
        if transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            self._end(Ending.SLOW, "it does not take our answers off")

    def _end(self, ending: Ending, says: str) -> None:
        """The first ending is the one."""
        if not self.over.done():
            self.ending = ending
            self.says = "".join(c if c.isprintable() else " " for c in says[:SAYS_CHARACTERS_MAX])
            self.over.set_result(None)


def ending_of(error: OSError) -> Ending:
    """Whose fault it is that a connection could not be made."""
    return Ending.FAULT if error.errno in _OURS else Ending.UNREACHABLE
