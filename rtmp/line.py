"""What both sides of a connection do alike: handshake, chunks, acknowledgements and pings."""

from rtmp.chunks import ChunkLimits, ChunkReader, ChunkWriter
from rtmp.errors import RtmpError
from rtmp.handshake import Handshake
from rtmp.messages import (
    U32_END,
    Message,
    MessageKind,
    UserControl,
    number_message,
    parse_number,
    user_control,
)

ANSWER_BYTES_MAX = 65_536
"""To be sent at once: a peer that asks for more does nothing but ask."""
WINDOW_BYTES = 2_500_000
"""What each side says that it may have sent and not heard of."""
REPORT_BYTES = 1_048_576
"""After so many bytes a side acknowledges; half of the window, once the other says one."""
CONTROL, COMMANDS = 2, 3
"""The channels of protocol control, and of commands that belong to no stream."""


class RtmpLine:
    """Feed it, take its messages, and send what it has to say."""

    def __init__(self, handshake: Handshake, limits: ChunkLimits) -> None:
        self._handshake = handshake
        self._reader = ChunkReader(limits)
        self._writer = ChunkWriter()
        self._out = bytearray(handshake.greeting)
        self._acknowledged = 0
        self._report_bytes = REPORT_BYTES
        self.received_bytes = 0
        """Behind the handshake."""

    @property
    def is_open(self) -> bool:
        """Whether the handshake is over."""
        return self._handshake.is_done

    @property
    def kept_bytes(self) -> int:
        """What is kept of the peer's and for the peer."""
        return self._reader.kept_bytes + len(self._out)

    def answers(self) -> bytes:
        """What has to be sent now."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def allow(self, limits: ChunkLimits) -> None:
        """Hold the peer to other limits from now on: it has another role."""
        self._reader.allow(limits)

    def resize(self, chunk_bytes: int) -> None:
        """Say that our chunks are larger from now on."""
        self._out += self._writer.resize(chunk_bytes)

    def feed(self, data: bytes) -> None:
        """Take bytes of the peer. Raises RtmpError."""
        if not self.is_open:
            self._out += self._handshake.feed(data)
            data = self._handshake.rest
        self.received_bytes += len(data)
        self._reader.feed(data)

    def next_message(self) -> Message | None:
        """The next whole message; None until more bytes come. Raises RtmpError.

        What came has been acknowledged already as often as the peer wants, a ping been answered,
        and a window been heard: all as ffmpeg's players do.
        """
        message = self._reader.next_message()
        if message is None:
            return None
        count = self.received_bytes - self._reader.unread_bytes
        if count - self._acknowledged > self._report_bytes:
            self._acknowledged = count
            self._reply(message, number_message(MessageKind.ACKNOWLEDGEMENT, count % U32_END))
        if message.kind == MessageKind.USER_CONTROL:
            if int.from_bytes(message.body[:2], "big") == UserControl.PING_REQUEST:
                self._reply(message, user_control(UserControl.PING_RESPONSE, message.body[2:6]))
        elif message.kind == MessageKind.WINDOW:
            self._report_bytes = parse_number(message) // 2
        return message

    def _reply(self, message: Message, answer: Message) -> None:
        after_ms = (message.timestamp_ms + 1) % U32_END
        self.send(CONTROL, answer._replace(timestamp_ms=after_ms))

    def send(self, channel: int, message: Message) -> None:
        """Have a message sent. Raises RtmpError where the peer wants too much at once."""
        self._out += self._writer.write(channel, message)
        if len(self._out) > ANSWER_BYTES_MAX:
            raise RtmpError("it asks for more answers than anybody needs")
