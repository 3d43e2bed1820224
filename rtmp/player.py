"""A client that plays one stream (section 7.2.2.1): bytes in, messages and bytes out.

Each step follows the server's answer to the one before, and every byte is one of ffmpeg's, mpv's
and VLC's, whatever the server asks: it should not tell this player from a viewer's.
"""

from enum import IntEnum
from typing import NamedTuple

from rtmp.addresses import RtmpAddress
from rtmp.amf import Value
from rtmp.chunks import ChunkLimits
from rtmp.errors import RtmpError
from rtmp.handshake import Handshake
from rtmp.line import COMMANDS, CONTROL, WINDOW_BYTES, RtmpLine
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
from rtmp.player_handshake import PlayerHandshake
from rtmp.turns import Turn, turn_of

PLAYER_LIMITS = ChunkLimits(
    message_bytes_max=8_000_000, partial_bytes_max=16_000_000, channels_max=64
)
COMMANDS_MAX = 64
"""On one connection: servers send three, and one more when the stream ends."""
_COMMAND_BYTES_MAX = 8_192
_SOURCE = 8
"""The channel on which players ask for a stream."""
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
        handshake: Handshake | None = None,
    ) -> None:
        self._address = address
        self._line = RtmpLine(handshake or PlayerHandshake(), limits)
        self._window_bytes = WINDOW_BYTES
        self._numbers: dict[str, int] = {}
        """Of what was asked, by its command: answers repeat them."""
        self._asked = self._heard = 0
        self._stream_id = 0
        self.stage = PlayStage.GREETING
        self.turn: Turn | None = None
        """The last that the server told, if it tells any."""

    @property
    def kept_bytes(self) -> int:
        """What is kept of the server's and for the server."""
        return self._line.kept_bytes

    def answers(self) -> bytes:
        """What has to be sent now; at first the greeting."""
        return self._line.answers()

    def allow(self, limits: ChunkLimits) -> None:
        """Hold the server to other limits from now on."""
        self._line.allow(limits)

    def feed(self, data: bytes) -> None:
        """Take bytes of the server. Raises RtmpError."""
        if self.stage is PlayStage.OVER:
            return
        self._line.feed(data)
        if self.stage is PlayStage.GREETING and self._line.is_open:
            self._connect()

    def leave(self) -> None:
        """Say goodbye, as a viewer's player does that is closed; `answers` has it."""
        if self.stage > PlayStage.GREETING:
            self._ask(COMMANDS, "deleteStream", None, self._stream_id)
        self.stage = PlayStage.OVER

    def next_event(self) -> Message | PlayEnd | None:
        """Media or script data, or the end; None until more bytes come. Raises RtmpError."""
        while self.stage is not PlayStage.OVER:
            message = self._line.next_message()
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
            self._heard += 1
            if self._heard > COMMANDS_MAX or len(message.body) > _COMMAND_BYTES_MAX:
                raise RtmpError("more or longer commands than a player is sent")
            return self._take_command(parse_command(message))
        if message.kind == MessageKind.USER_CONTROL:
            return self._take_control(message.body)
        if message.kind == MessageKind.BANDWIDTH:
            self._window_bytes = parse_number(message)
        return None

    def _take_command(self, said: CommandMessage) -> PlayEnd | None:
        if said.name in ("_result", "_error"):
            return self._take_answer(said)
        if said.name == "onBWDone":
            self._ask(COMMANDS, "_checkbw", None)
        elif said.name == "onStatus":
            end = _end(said)
            if end.code in _ENDS or _field(said, "level") == "error":
                return end
        return None

    def _take_answer(self, said: CommandMessage) -> PlayEnd | None:
        is_connect = said.transaction == self._numbers.get("connect")
        if not is_connect and said.transaction != self._numbers.get("createStream"):
            return None
        if said.name == "_error":
            return _end(said)
        if is_connect:
            self._create()
        else:
            self._play(said.argument(1))
        return None

    def _take_control(self, body: bytes) -> PlayEnd | None:
        event = int.from_bytes(body[:2], "big")
        if event == UserControl.TURN:
            self.turn = turn_of(body) or self.turn
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
        self._ask(COMMANDS, "connect", fields)

    def _create(self) -> None:
        if self.stage is not PlayStage.CONNECTING:
            return
        self.stage = PlayStage.CREATING
        self._line.send(CONTROL, number_message(MessageKind.WINDOW, self._window_bytes))
        self._ask(COMMANDS, "createStream", None)

    def _play(self, number: object) -> None:
        if self.stage is not PlayStage.CREATING:
            return
        if not isinstance(number, float) or not 0 <= number < U32_END or number % 1:
            raise RtmpError("the stream that it created has no number")
        self.stage = PlayStage.PLAYING
        self._stream_id, name = int(number), self._address.name
        self._ask(_SOURCE, "getStreamLength", None, name)
        self._ask(_SOURCE, "play", None, name, _LIVE_OR_RECORDED, stream_id=self._stream_id)
        buffer = self._stream_id.to_bytes(4, "big") + _BUFFER_MS.to_bytes(4, "big")
        told = user_control(UserControl.BUFFER_LENGTH, buffer)._replace(timestamp_ms=_BUFFER_AT_MS)
        self._line.send(CONTROL, told)

    def _ask(self, channel: int, name: str, *arguments: Value, stream_id: int = 0) -> None:
        self._asked += 1
        self._numbers[name] = self._asked
        self._line.send(channel, command(name, self._asked, *arguments, stream_id=stream_id))


def _end(said: CommandMessage) -> PlayEnd:
    return PlayEnd(_field(said, "code"), _field(said, "description"))


def _field(said: CommandMessage, name: str) -> str:
    """A text of the information object, which is a command's second argument."""
    info = said.argument(1)
    value = info.get(name) if isinstance(info, dict) else None
    return value[:200] if isinstance(value, str) else ""
