"""A client that plays one stream (section 7.2.2.1): bytes in, messages and bytes out.

Each step follows the server's answer to the one before, and behind the handshake every byte is one
of ffmpeg's, mpv's and VLC's: a server should not tell this player from a viewer's.
"""

from enum import IntEnum
from typing import NamedTuple

from rtmp.addresses import RtmpAddress
from rtmp.amf import Value
from rtmp.chunks import ChunkLimits, ChunkReader, ChunkWriter
from rtmp.errors import RtmpError
from rtmp.handshake import ClientHandshake
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

PLAYER_LIMITS = ChunkLimits(
    message_bytes_max=8_000_000, partial_bytes_max=16_000_000, channels_max=64
)
ANSWER_BYTES_MAX = 65_536
"""To be sent at once: a server that asks for more pings us for nothing else."""
_CONTROL, _COMMANDS, _SOURCE = 2, 3, 8
"""The channels of players."""
_CONNECT, _CREATE, _LENGTH, _PLAY = 1.0, 2.0, 3.0, 4.0
"""The numbers of our commands, which their answers repeat."""
_WINDOW_BYTES = 2_500_000
"""Unless the server says another."""
_BUFFER_MS, _BUFFER_AT_MS = 3000, 1
_LIVE_OR_RECORDED = -2000
_PLAYED = frozenset((MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DATA))
_ENDS = ("NetStream.Play.Stop", "NetStream.Play.UnpublishNotify", "NetStream.Play.Complete")


class PlayStage(IntEnum):
    """How far the player came; a later stage is a higher number."""

    GREETING = 1
    CONNECTING = 2
    CREATING = 3
    PLAYING = 4
    """The stream was asked for: media may come."""
    OVER = 5


class PlayEnd(NamedTuple):
    """The server ended it, or refused."""

    code: str
    """Like `NetStream.Play.StreamNotFound`."""
    says: str


class Player:
    """Plays `address`. Feed it, take its events until there is none, and send what it answers."""

    def __init__(
        self,
        address: RtmpAddress,
        limits: ChunkLimits = PLAYER_LIMITS,
        handshake: ClientHandshake | None = None,
    ) -> None:
        self._address = address
        self._handshake = handshake or ClientHandshake()
        self._reader = ChunkReader(limits)
        self._writer = ChunkWriter()
        self._out = bytearray(self._handshake.greeting)
        self._received = self._acknowledged = 0
        self._report_bytes = self._window_bytes = _WINDOW_BYTES
        self.stage = PlayStage.GREETING

    @property
    def kept_bytes(self) -> int:
        """What is kept of the server's and for the server."""
        return self._reader.kept_bytes + len(self._out)

    def answers(self) -> bytes:
        """What has to be sent now; at first the greeting."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def feed(self, data: bytes) -> None:
        """Take bytes of the server. Raises RtmpError."""
        if self.stage is PlayStage.OVER:
            return
        if self.stage is PlayStage.GREETING:
            self._out += self._handshake.feed(data)
            if not self._handshake.is_done:
                return
            data = self._handshake.rest
            self._connect()
        self._received = (self._received + len(data)) % U32_END
        self._reader.feed(data)
        if (self._received - self._acknowledged) % U32_END >= self._report_bytes:
            self._acknowledged = self._received
            self._send(_CONTROL, number_message(MessageKind.ACKNOWLEDGEMENT, self._received))

    def next_event(self) -> Message | PlayEnd | None:
        """Media or script data, or the end; None until more bytes come. Raises RtmpError."""
        while self.stage is not PlayStage.OVER:
            message = self._reader.next_message()
            if message is None:
                return None
            if message.kind in _PLAYED:
                if self.stage is PlayStage.PLAYING:
                    return message
            elif end := self._take(message):
                self.stage = PlayStage.OVER
                return end
        return None

    def _take(self, message: Message) -> PlayEnd | None:
        """Do what a message asks for; what is not known is ignored."""
        if message.kind in (MessageKind.COMMAND, MessageKind.AMF3_COMMAND):
            return self._take_command(parse_command(message))
        if message.kind == MessageKind.USER_CONTROL:
            return self._take_control(message.body)
        if message.kind == MessageKind.WINDOW:
            self._report_bytes = parse_number(message)
        elif message.kind == MessageKind.BANDWIDTH:
            self._window_bytes = parse_number(message)
        return None

    def _take_command(self, said: CommandMessage) -> PlayEnd | None:
        if said.name == "_result" and said.transaction == _CONNECT:
            self._create()
        elif said.name == "_result" and said.transaction == _CREATE:
            self._play(said.argument(1))
        elif said.name == "_error" and said.transaction in (_CONNECT, _CREATE):
            return _end(said)
        elif said.name == "onStatus":
            end = _end(said)
            if end.code in _ENDS or _field(said, "level") == "error":
                return end
        return None

    def _take_control(self, body: bytes) -> PlayEnd | None:
        event, data = int.from_bytes(body[:2], "big"), body[2:6]
        if event == UserControl.PING_REQUEST:
            self._send(_CONTROL, user_control(UserControl.PING_RESPONSE, data))
        if event == UserControl.STREAM_EOF and self.stage is PlayStage.PLAYING:
            return PlayEnd("StreamEOF", "the stream has ended")
        return None

    def _connect(self) -> None:
        self.stage = PlayStage.CONNECTING
        fields: dict[str, Value] = {
            "app": self._address.app,
            "flashVer": "LNX 9,0,124,2",
            "tcUrl": self._address.url.rpartition("/")[0],
            "fpad": False,
            "capabilities": 15,
            "audioCodecs": 4071,
            "videoCodecs": 252,
            "videoFunction": 1,
        }
        self._send(_COMMANDS, command("connect", _CONNECT, fields))

    def _create(self) -> None:
        if self.stage is not PlayStage.CONNECTING:
            return
        self.stage = PlayStage.CREATING
        self._send(_CONTROL, number_message(MessageKind.WINDOW, self._window_bytes))
        self._send(_COMMANDS, command("createStream", _CREATE, None))

    def _play(self, number: object) -> None:
        if self.stage is not PlayStage.CREATING:
            return
        if not isinstance(number, float) or not 0 <= number < U32_END or number % 1:
            raise RtmpError("the stream that it created has no number")
        self.stage = PlayStage.PLAYING
        stream_id, name = int(number), self._address.name
        self._send(_SOURCE, command("getStreamLength", _LENGTH, None, name))
        play = command("play", _PLAY, None, name, _LIVE_OR_RECORDED, stream_id=stream_id)
        self._send(_SOURCE, play)
        buffer = stream_id.to_bytes(4, "big") + _BUFFER_MS.to_bytes(4, "big")
        told = user_control(UserControl.BUFFER_LENGTH, buffer)._replace(timestamp_ms=_BUFFER_AT_MS)
        self._send(_CONTROL, told)

    def _send(self, channel: int, message: Message) -> None:
        self._out += self._writer.write(channel, message)
        if len(self._out) > ANSWER_BYTES_MAX:
            raise RtmpError("it asks for more answers than a player gives")


def _end(said: CommandMessage) -> PlayEnd:
    return PlayEnd(_field(said, "code"), _field(said, "description"))


def _field(said: CommandMessage, name: str) -> str:
    """A text of the information object, which is a command's second argument."""
    info = said.argument(1)
    value = info.get(name) if isinstance(info, dict) else None
    return value[:200] if isinstance(value, str) else ""
