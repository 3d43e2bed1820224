"""One connection of a stranger: what it says goes to its session, what it asks to the relay."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

from agent.places import place_of
from agent.relay.restream.admission import Admission
from agent.relay.restream.questions import Questions
from agent.relay.restream.stream import LiveStream
from agent.relay.restream.viewer import Viewer
from rtmp.errors import RtmpError
from rtmp.line import ANSWER_BYTES_MAX
from rtmp.messages import Message
from rtmp.requests import ConnectAsked, PlayAsked, PublishAsked
from rtmp.server import Ended, ServerEvent, ServerSession, ServerStage

APP = "live"
ASKING_S_MAX = 10.0
"""From the connection to `play` or `publish`."""
UNSENT_BYTES_MAX = 131_072
"""In the kernel, behind what is on its way: it would keep megabytes that no queue knows of."""
OVER_S_MAX = 5.0
"""For the last answer to be taken off."""
_PLAYER_BYTES_A_SECOND_MAX = 16_384
_PLAYER_BYTES_AT_ONCE = 131_072
"""Acknowledgements and pings of a player are some hundred bytes a second."""


class Home(Protocol):
    """The relay, as its connections see it."""

    admission: Admission
    questions: Questions
    connections: "set[Connection]"
    clock: Callable[[], float]
    note: Callable[[str, bytes], None]
    """Told the host and the bytes of each read, before anybody looks into them."""

    def stream_of(self, name: str) -> LiveStream | None:
        """The stream that a player asks for."""
        ...

    async def may_publish(self, asked: PublishAsked) -> bool:
        """Whether this publisher may send this stream here."""
        ...

    def in_vain(self, connection: "Connection") -> None:
        """This player asked for a stream that is not there."""
        ...

    async def begin_publish(self, name: str, connection: "Connection") -> LiveStream | None:
        """The stream to feed; None while somebody else is live with it."""
        ...

    def take_media(self, connection: "Connection", message: Message) -> None:
        """A publisher's message. Raises RtmpError."""
        ...

    def left(self, connection: "Connection") -> None:
        """A connection plays or publishes no more."""
        ...

    def refused(self, reason: str, place: str, says: str = "") -> None:
        """Count somebody who was refused or thrown out."""
        ...


class Connection(asyncio.Protocol):
    """Tied to one relay; closed by whichever side breaks a rule or has had enough."""

    def __init__(self, relay: Home) -> None:
        self._relay = relay
        self._session = ServerSession()
        self._tc_url = ""
        self._question: asyncio.Task[None] | None = None
        self._bytes = 0
        self._is_admitted = False
        self._host = self.place = ""
        self.transport: asyncio.Transport | None = None
        self.came_s = relay.clock()
        self._over_s: float | None = None
        self.stream: LiveStream | None = None
        self.viewer: Viewer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Lets it in, or not."""
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._host = peer[0] if peer else ""
        self.place = place_of(self._host) if peer else ""
        self._is_admitted = bool(peer) and self._relay.admission.admit(self.place, self.came_s)
        if self._is_admitted:
            self._relay.connections.add(self)
        else:
            self.transport.abort()

    def connection_lost(self, _: Exception | None) -> None:
        """Forgets it."""
        if self._question is not None:
            self._question.cancel()
        if self._is_admitted:
            self._relay.connections.discard(self)
            self._relay.admission.leave(self.place)
            self._relay.left(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of a stranger: whatever they are, only this connection may suffer by them."""
        if not self._is_admitted:
            return
        self._relay.note(self._host, data)
        try:
            self._count(len(data))
            self._session.feed(data)
            self._read_on()
        except RtmpError as error:
            self.refuse("protocol", str(error))

    def is_overdue(self, now_s: float) -> bool:
        """Whether it should have asked for something long ago, or taken the last answer."""
        if self._over_s is not None:
            return now_s - self._over_s > OVER_S_MAX
        return self._session.stage < ServerStage.PLAYING and now_s - self.came_s > ASKING_S_MAX

    def refuse(self, reason: str, says: str = "") -> None:
        """Ends it at once, for a reason that is counted."""
        self._relay.refused(reason, self.place, says)
        self.abort()

    def abort(self) -> None:
        """Ends it without a word."""
        if self.transport is not None:
            self.transport.abort()

    def end_play(self, code: str, says: str) -> None:
        """Ends a player kindly: the stream is over."""
        self._relay.left(self)
        self._session.end_play(code, says)
        self._answer()

    @property
    def kept_bytes(self) -> int:
        """What its session and its queue hold."""
        waiting = self.transport.get_write_buffer_size() if self.transport else 0
        return waiting + self._session.kept_bytes

    def _count(self, size: int) -> None:
        """A player has little to say; who says more keeps us busy."""
        if self._session.stage is not ServerStage.PLAYING:
            return
        self._bytes += size
        passed_s = self._relay.clock() - self.came_s
        if self._bytes > _PLAYER_BYTES_AT_ONCE + passed_s * _PLAYER_BYTES_A_SECOND_MAX:
            raise RtmpError("a player that talks too much")

    def _read_on(self) -> None:
        while (event := self._session.next_event()) is not None:
            self._take(event)
        self._answer()

    def _answer(self) -> None:
        if self.transport is None:
            return
        if answers := self._session.answers():
            self.transport.write(answers)
            # A viewer's queue is bounded elsewhere; anybody else is sent nothing but answers.
            if self.viewer is None and self.transport.get_write_buffer_size() > ANSWER_BYTES_MAX:
                raise RtmpError("it does not take its answers off")
        if self._session.stage is ServerStage.OVER and self._over_s is None:
            self._over_s = self._relay.clock()
            self.transport.close()

    def _take(self, event: ServerEvent) -> None:
        match event:
            case Message():
                self._relay.take_media(self, event)
            case ConnectAsked(app=app, tc_url=tc_url):
                self._tc_url = tc_url
                if app == APP:
                    self._session.accept()
                else:
                    self._session.refuse("NetConnection.Connect.InvalidApp", "Ask for live/.")
            case PlayAsked():
                self._ask(lambda: self._begin_play(event))
            case PublishAsked():
                self._ask(lambda: self._begin_publish(event))
            case Ended():
                self._relay.left(self)

    def _ask(self, answering: Callable[[], Awaitable[None]]) -> None:
        """Read nothing more until it is decided."""
        if self.transport is not None:
            self.transport.pause_reading()
        self._question = asyncio.create_task(self._decide(answering))

    async def _decide(self, answering: Callable[[], Awaitable[None]]) -> None:
        try:
            await answering()
            self._read_on()
        except RtmpError as error:
            self.refuse("protocol", str(error))
            return
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    async def _begin_play(self, asked: PlayAsked) -> None:
        stream = self._relay.stream_of(asked.name)
        if stream is None:
            self._relay.in_vain(self)
            self._session.refuse("NetStream.Play.StreamNotFound", "No such stream is relayed here.")
            return
        if not await self._relay.questions.may_play(asked, self._tc_url):
            self._relay.refused("forwarded", self.place)
            self._session.refuse("NetStream.Play.Failed", "Play from the address you were given.")
            return
        if self.transport is None or self.transport.is_closing():
            return
        self._session.accept()
        self._answer()
        now_s = self._relay.clock()
        _keep_few_unsent(self.transport)
        self.stream, self.viewer = stream, Viewer(self.transport, now_s)
        stream.join(self.viewer, now_s)

    async def _begin_publish(self, asked: PublishAsked) -> None:
        if not await self._relay.may_publish(asked):
            self._relay.refused("publish", self.place)
            self._session.refuse("NetStream.Publish.Denied", "This stream is not taken from you.")
            return
        if self.transport is None or self.transport.is_closing():
            return
        self.stream = await self._relay.begin_publish(asked.name, self)
        if self.stream is None:
            self._relay.refused("publish_twice", self.place)
            self._session.refuse("NetStream.Publish.BadName", "Somebody else is live with it.")
            return
        self._session.accept()


def _keep_few_unsent(transport: asyncio.Transport) -> None:
    # Where a kernel does not know it, a slow viewer is noticed a little later.
    with contextlib.suppress(OSError):
        transport.get_extra_info("socket").setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES_MAX
        )
