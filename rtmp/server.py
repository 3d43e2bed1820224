"""A server's side of one connection: bytes in, what the client asks and sends out (section 7.2).

The client connects, and then plays one stream or publishes one. What it asks waits for the owner's
answer; until then nothing more of it is read. A client that breaks a rule or a limit is an
RtmpError, and the connection has to be closed.
"""

from dataclasses import dataclass
from enum import IntEnum

from rtmp import server_messages
from rtmp.chunks import ChunkLimits
from rtmp.errors import RtmpError
from rtmp.handshake import ServerHandshake
from rtmp.line import COMMANDS, CONTROL, RtmpLine
from rtmp.media import frames_of
from rtmp.messages import CommandMessage, Message, MessageKind, UserControl, parse_command
from rtmp.requests import ConnectAsked, PlayAsked, PublishAsked, parse_begin, parse_connect

CLIENT_LIMITS = ChunkLimits(message_bytes_max=65_536, partial_bytes_max=65_536, channels_max=16)
"""Before it may publish, a client sends commands and acknowledgements alone."""
PUBLISHER_LIMITS = ChunkLimits(
    message_bytes_max=8_000_000, partial_bytes_max=16_000_000, channels_max=64
)
"""A key frame of a large picture has megabytes."""
ASKING_BYTES_MAX = 65_536
"""Behind the handshake, before it plays or publishes: `connect` and its like have some hundreds."""
COMMANDS_MAX = 64
"""Of a client that neither plays nor publishes: OBS sends seven."""
CHUNK_BYTES = 60_000
"""Of all that is sent, behind the first message: most frames are one chunk."""
_MEDIA = frozenset(
    (
        MessageKind.AUDIO,
        MessageKind.VIDEO,
        MessageKind.DATA,
        MessageKind.AMF3_DATA,
        MessageKind.AGGREGATE,
    )
)
_BEFORE_CONNECT = frozenset(range(1, 7))
_ENDS = frozenset(("deleteStream", "closeStream", "FCUnpublish"))


class ServerStage(IntEnum):
    """How far the client came."""

    GREETING = 1
    CONNECTING = 2
    CONNECTED = 3
    """It may ask to play or to publish."""
    PLAYING = 4
    PUBLISHING = 5
    OVER = 6


@dataclass(frozen=True, slots=True)
class Ended:
    """The client plays or publishes no more."""


ServerEvent = ConnectAsked | PlayAsked | PublishAsked | Ended | Message
"""A message is the publisher's: audio, video or script data, as players get it."""


class ServerSession:
    """Feed it, take its events until there is none, and send what it answers."""

    def __init__(self, handshake: ServerHandshake | None = None) -> None:
        self._line = RtmpLine(handshake or ServerHandshake(), CLIENT_LIMITS)
        self._frames: list[Message] = []
        """Of an aggregate, the last one first."""
        self._commands = 0
        self._question: ServerEvent | None = None
        self._transaction = 0.0
        self.stage = ServerStage.GREETING

    @property
    def kept_bytes(self) -> int:
        """What is kept of the client's and for the client."""
        return self._line.kept_bytes

    def answers(self) -> bytes:
        """What has to be sent now."""
        return self._line.answers()

    def feed(self, data: bytes) -> None:
        """Take bytes of the client. Raises RtmpError."""
        if self.stage is ServerStage.OVER:
            return
        self._line.feed(data)
        if self.stage is ServerStage.GREETING and self._line.is_open:
            self.stage = ServerStage.CONNECTING
        received_bytes = self._line.received_bytes
        if self.stage < ServerStage.PLAYING and received_bytes > ASKING_BYTES_MAX:
            raise RtmpError(f"{received_bytes} bytes, and nothing is played or published")

    def next_event(self) -> ServerEvent | None:
        """The next one, or None until more bytes come or a question is answered.

        Raises RtmpError.
        """
        while self.stage is not ServerStage.OVER and self._question is None:
            if self._frames:
                return self._frames.pop()
            message = self._line.next_message()
            if message is None:
                return None
            if event := self._take(message):
                if not isinstance(event, (Ended, Message)):
                    self._question = event
                return event
        return None

    def accept(self) -> None:
        """Yes to what was asked."""
        question, self._question = self._question, None
        match question:
            case ConnectAsked():
                self._accept_connect()
            case PlayAsked():
                self.stage = ServerStage.PLAYING
                self._send(server_messages.stream_control(UserControl.STREAM_BEGIN), CONTROL)
                self._send(server_messages.status("NetStream.Play.Start", "It begins."))
            case PublishAsked():
                self.stage = ServerStage.PUBLISHING
                self._line.allow(PUBLISHER_LIMITS)
                self._send(server_messages.status("NetStream.Publish.Start", "Send."))
            case _:
                raise ValueError("nothing was asked")

    def refuse(self, code: str, says: str) -> None:
        """No to what was asked: the connection is over once the answer is sent.

        `code` is like NetStream.Play.StreamNotFound, `says` a sentence for people.
        """
        question, self._question = self._question, None
        if isinstance(question, ConnectAsked):
            self._send(server_messages.no_welcome(self._transaction, code, says))
        else:
            self._send(server_messages.status(code, says, level="error"))
        self.stage = ServerStage.OVER

    def end_play(self, code: str, says: str) -> None:
        """The stream that it plays has ended: the connection is over once this is sent."""
        self._send(server_messages.stream_control(UserControl.STREAM_EOF), CONTROL)
        self._send(server_messages.status(code, says))
        self.stage = ServerStage.OVER

    def _take(self, message: Message) -> ServerEvent | None:
        """What a message means to the owner; what is not known is ignored."""
        kind = message.kind
        if self.stage is ServerStage.CONNECTING and not (
            kind in _BEFORE_CONNECT or kind in (MessageKind.COMMAND, MessageKind.AMF3_COMMAND)
        ):
            raise RtmpError(f"a message of type {kind} comes before connect")
        if kind in (MessageKind.COMMAND, MessageKind.AMF3_COMMAND):
            return self._take_command(parse_command(message))
        if kind not in _MEDIA:
            return None
        if self.stage is not ServerStage.PUBLISHING:
            raise RtmpError("media comes from a client that does not publish")
        self._frames = frames_of(message)[::-1]
        return self._frames.pop() if self._frames else None

    def _take_command(self, said: CommandMessage) -> ServerEvent | None:
        if self.stage < ServerStage.PLAYING:
            self._commands += 1
            if self._commands > COMMANDS_MAX:
                raise RtmpError(f"more than {COMMANDS_MAX} commands, and nothing is played")
        self._transaction = said.transaction
        if self.stage is ServerStage.CONNECTING:
            if said.name != "connect":
                raise RtmpError(f"{said.name[:40]!r} comes before connect")
            return parse_connect(said)
        if said.name in ("play", "publish"):
            return self._begin(said)
        if said.name in _ENDS:
            return self._end()
        if answer := server_messages.answer_to(said):
            self._send(answer)
        return None

    def _begin(self, said: CommandMessage) -> ServerEvent:
        if self.stage is not ServerStage.CONNECTED:
            raise RtmpError(f"{said.name} where something is played or published already")
        return parse_begin(said)

    def _end(self) -> Ended | None:
        if self.stage < ServerStage.PLAYING:
            return None
        self.stage = ServerStage.OVER
        return Ended()

    def _accept_connect(self) -> None:
        self.stage = ServerStage.CONNECTED
        for message in server_messages.window():
            self._send(message, CONTROL)
        self._line.resize(CHUNK_BYTES)
        self._send(server_messages.welcome(self._transaction))

    def _send(self, message: Message, channel: int = COMMANDS) -> None:
        self._line.send(channel, message)
