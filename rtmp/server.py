"""A server's side of one connection: bytes in, what the client asks and sends out (section 7.2).

The client connects, and then plays one stream or publishes one. What it asks waits for the owner's
answer; until then nothing more of it is read. A client that breaks a rule or a limit is an
RtmpError, and the connection has to be closed.
"""

from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import parse_qsl

from rtmp.amf import Value
from rtmp.chunks import ChunkLimits, ChunkReader, ChunkWriter
from rtmp.errors import RtmpError
from rtmp.handshake import ServerHandshake
from rtmp.media import frames_of
from rtmp.messages import (
    U32_END,
    CommandMessage,
    Message,
    MessageKind,
    UserControl,
    command,
    number_message,
    parse_command,
    parse_number,
    user_control,
)

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
ANSWER_BYTES_MAX = 65_536
"""To be sent at once: a client that asks for more does nothing but ask."""
CHUNK_BYTES = 60_000
"""Of all that is sent, behind the first message: most frames are one chunk."""
STREAM_ID = 1
"""The one message stream of a connection."""
_WINDOW_BYTES = 2_500_000
_DYNAMIC = 2
"""The client may choose between its limit and ours (section 5.4.5)."""
_CONTROL, _COMMANDS = 2, 3
_QUERY_FIELDS_MAX = 16
_MEDIA = frozenset((MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DATA, MessageKind.AMF3_DATA))
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
class ConnectAsked:
    """`connect` (section 7.2.1.1)."""

    app: str
    tc_url: str
    """The address that the player was given; empty where it says none."""
    flash_version: str


@dataclass(frozen=True, slots=True)
class PlayAsked:
    """`play` (section 7.2.2.1)."""

    name: str
    query: dict[str, str]


@dataclass(frozen=True, slots=True)
class PublishAsked:
    """`publish` (section 7.2.2.6)."""

    name: str
    query: dict[str, str]


@dataclass(frozen=True, slots=True)
class Ended:
    """The client plays or publishes no more."""


ServerEvent = ConnectAsked | PlayAsked | PublishAsked | Ended | Message
"""A message is the publisher's: audio, video or script data, as players get it."""


class ServerSession:
    """Feed it, take its events until there is none, and send what it answers."""

    def __init__(self, handshake: ServerHandshake | None = None) -> None:
        self._handshake = handshake or ServerHandshake()
        self._reader = ChunkReader(CLIENT_LIMITS)
        self._writer = ChunkWriter()
        self._out = bytearray()
        self._frames: list[Message] = []
        """Of an aggregate, the last one first."""
        self._received = self._acknowledged = self._commands = 0
        self._report_bytes = _WINDOW_BYTES
        self._question: ServerEvent | None = None
        self._transaction = 0.0
        self.stage = ServerStage.GREETING

    @property
    def is_waiting(self) -> bool:
        """Whether the client asked something that its owner has not answered."""
        return self._question is not None

    @property
    def kept_bytes(self) -> int:
        """What is kept of the client's and for the client."""
        return self._reader.kept_bytes + len(self._out)

    def answers(self) -> bytes:
        """What has to be sent now."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def feed(self, data: bytes) -> None:
        """Take bytes of the client. Raises RtmpError."""
        if self.stage is ServerStage.OVER:
            return
        if self.stage is ServerStage.GREETING:
            self._out += self._handshake.feed(data)
            if not self._handshake.is_done:
                return
            data = self._handshake.rest
            self.stage = ServerStage.CONNECTING
        self._received += len(data)
        if self.stage < ServerStage.PLAYING and self._received > ASKING_BYTES_MAX:
            raise RtmpError(f"{self._received} bytes, and nothing is played or published")
        self._reader.feed(data)
        if self._received - self._acknowledged >= self._report_bytes:
            self._acknowledged = self._received
            count = self._received % U32_END
            self._send(_CONTROL, number_message(MessageKind.ACKNOWLEDGEMENT, count))

    def next_event(self) -> ServerEvent | None:
        """The next one, or None until more bytes come or a question is answered.

        Raises RtmpError.
        """
        while self.stage is not ServerStage.OVER and self._question is None:
            if self._frames:
                return self._frames.pop()
            message = self._reader.next_message()
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
                self._control(UserControl.STREAM_BEGIN)
                self._status("NetStream.Play.Start", "It begins.")
            case PublishAsked():
                self.stage = ServerStage.PUBLISHING
                self._reader.allow(PUBLISHER_LIMITS)
                self._status("NetStream.Publish.Start", "Send.")
            case _:
                raise ValueError("nothing was asked")

    def refuse(self, code: str, says: str) -> None:
        """No to what was asked: the connection is over once the answer is sent.

        `code` is like NetStream.Play.StreamNotFound, `says` a sentence for people.
        """
        question, self._question = self._question, None
        if isinstance(question, ConnectAsked):
            info = _info("error", code, says)
            self._send(_COMMANDS, command("_error", self._transaction, None, info))
        else:
            self._status(code, says, level="error")
        self.stage = ServerStage.OVER

    def end_play(self, code: str, says: str) -> None:
        """The stream that it plays has ended: the connection is over once this is sent."""
        self._control(UserControl.STREAM_EOF)
        self._status(code, says)
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
        if kind == MessageKind.USER_CONTROL:
            self._take_control(message.body)
        elif kind == MessageKind.WINDOW:
            self._report_bytes = max(1, parse_number(message))
        elif self.stage is ServerStage.PUBLISHING:
            return self._take_media(message)
        elif kind in _MEDIA or kind == MessageKind.AGGREGATE:
            raise RtmpError("media comes from a client that does not publish")
        return None

    def _take_media(self, message: Message) -> Message | None:
        if message.kind == MessageKind.AGGREGATE or message.kind in _MEDIA:
            self._frames = frames_of(message)[::-1]
            return self._frames.pop() if self._frames else None
        return None

    def _take_control(self, body: bytes) -> None:
        if int.from_bytes(body[:2], "big") == UserControl.PING_REQUEST:
            self._send(_CONTROL, user_control(UserControl.PING_RESPONSE, body[2:6]))

    def _take_command(self, said: CommandMessage) -> ServerEvent | None:
        if self.stage < ServerStage.PLAYING:
            self._commands += 1
            if self._commands > COMMANDS_MAX:
                raise RtmpError(f"more than {COMMANDS_MAX} commands, and nothing is played")
        self._transaction = said.transaction
        if self.stage is ServerStage.CONNECTING:
            if said.name != "connect":
                raise RtmpError(f"{said.name[:40]!r} comes before connect")
            return _connect_of(said)
        if said.name in ("play", "publish"):
            return self._begin(said)
        if said.name in _ENDS:
            return self._end()
        self._answer(said)
        return None

    def _begin(self, said: CommandMessage) -> ServerEvent:
        if self.stage is not ServerStage.CONNECTED:
            raise RtmpError(f"{said.name} where something is played or published already")
        name, query = _name_of(said)
        return PlayAsked(name, query) if said.name == "play" else PublishAsked(name, query)

    def _end(self) -> Ended | None:
        if self.stage < ServerStage.PLAYING:
            return None
        self.stage = ServerStage.OVER
        return Ended()

    def _answer(self, said: CommandMessage) -> None:
        """What clients wait for, or like to be told; whatever else has no answer."""
        if said.name == "createStream":
            self._result(said, float(STREAM_ID))
        elif said.name == "getStreamLength":
            self._result(said, 0.0)
        elif said.name in ("releaseStream", "FCPublish", "_checkbw"):
            self._result(said, None)
        elif said.name == "FCSubscribe":
            info = _info("status", "NetStream.Play.Start", "Play it.")
            self._send(_COMMANDS, command("onFCSubscribe", 0.0, None, info))
        elif said.name == "pause":
            is_paused = said.argument(1) is True
            code = "NetStream.Pause.Notify" if is_paused else "NetStream.Unpause.Notify"
            self._status(code, "It goes on: this is live.")
        elif said.name == "seek":
            self._status("NetStream.Seek.Notify", "It goes on: this is live.")

    def _accept_connect(self) -> None:
        self.stage = ServerStage.CONNECTED
        self._send(_CONTROL, number_message(MessageKind.WINDOW, _WINDOW_BYTES))
        bandwidth = _WINDOW_BYTES.to_bytes(4, "big") + bytes([_DYNAMIC])
        self._send(_CONTROL, Message(MessageKind.BANDWIDTH, 0, 0, bandwidth))
        self._out += self._writer.resize(CHUNK_BYTES)
        server: Value = {"fmsVer": "FMS/3,0,1,123", "capabilities": 31}
        info = _info("status", "NetConnection.Connect.Success", "Welcome.")
        self._send(
            _COMMANDS, command("_result", self._transaction, server, {**info, "objectEncoding": 0})
        )

    def _result(self, said: CommandMessage, value: Value) -> None:
        self._send(_COMMANDS, command("_result", said.transaction, None, value))

    def _status(self, code: str, says: str, level: str = "status") -> None:
        told = command("onStatus", 0.0, None, _info(level, code, says), stream_id=STREAM_ID)
        self._send(_COMMANDS, told)

    def _control(self, event: UserControl) -> None:
        self._send(_CONTROL, user_control(event, STREAM_ID.to_bytes(4, "big")))

    def _send(self, channel: int, message: Message) -> None:
        self._out += self._writer.write(channel, message)
        if len(self._out) > ANSWER_BYTES_MAX:
            raise RtmpError("it asks for more answers than a client needs")


def _info(level: str, code: str, says: str) -> dict[str, Value]:
    """The information object of a status (section 7.2.2)."""
    return {"level": level, "code": code, "description": says}


def _connect_of(said: CommandMessage) -> ConnectAsked:
    fields = said.argument(0)
    if not isinstance(fields, dict):
        raise RtmpError("connect without its object")

    def text(name: str) -> str:
        value = fields.get(name)
        return value[:2048] if isinstance(value, str) else ""

    return ConnectAsked(text("app").strip("/"), text("tcUrl"), text("flashVer"))


def _name_of(said: CommandMessage) -> tuple[str, dict[str, str]]:
    """The stream's name, and what stands behind its question mark."""
    named = said.argument(1)
    if not isinstance(named, str) or len(named) > 1024:
        raise RtmpError(f"{said.name} without a stream's name")
    name, _, query = named.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_QUERY_FIELDS_MAX)
    except ValueError as error:
        raise RtmpError(f"{said.name} with too many fields") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise RtmpError(f"{said.name} says a field twice")
    return name, fields
