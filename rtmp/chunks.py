"""Messages cut into chunks, and put together again (section 5.3).

Reader and writer stand in one module, since each header's form is told by the other's reading.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from rtmp.errors import RtmpError
from rtmp.messages import U32_END, Message, MessageKind, parse_number

CHUNK_BYTES_DEFAULT = 128
_CHUNK_BYTES_END = 2**31
"""The first bit of a chunk size has to be zero (section 5.4.1)."""
_EXTENDED = 0xFFFFFF
"""In a time's three bytes: four more bytes hold the time (section 5.3.1.3)."""
_HEADER_BYTES = (11, 7, 3, 0)
"""Of a message header, by the chunk's type 0 to 3 (section 5.3.1.2)."""
_CHANNEL_MAX = 65_599
_OBEYED = frozenset((MessageKind.SET_CHUNK_SIZE, MessageKind.ABORT))


class ChunkLimits(NamedTuple):
    """What one peer may make us keep."""

    message_bytes_max: int
    partial_bytes_max: int
    """The sum of all messages that are not whole: a peer may begin one on every channel."""
    channels_max: int
    chunks_max: int | None = None
    messages_max: int | None = None
    """In all: each costs a moment, however small it is. None: its owner bounds that by itself."""


@dataclass(slots=True)
class _Channel:
    """A chunk stream: what the next header may leave out, and what came of a message."""

    kind: int = 0
    stream_id: int = 0
    length: int = 0
    timestamp_ms: int = 0
    delta_ms: int = 0
    extended: bytes = b""
    body: bytearray = field(default_factory=bytearray)
    is_open: bool = False
    """Whether a message has been begun, and is not whole."""

    def begin(self, form: int, header: bytes, extended: bytes) -> None:
        """Begin a message by the header of its first chunk, which is empty for type 3.

        The time of type 0 is absolute, and one of types 1 and 2 a delta, which type 3 repeats.
        After type 0 the specification has type 3 repeat the time itself; no server does.
        """
        if form < 3:
            self.extended = extended
            self.delta_ms = int.from_bytes(extended or header[:3])
        if form < 2:
            self.length, self.kind = int.from_bytes(header[3:6]), header[6]
        if form == 0:
            self.timestamp_ms, self.delta_ms = self.delta_ms, 0
            self.stream_id = int.from_bytes(header[7:], "little")
        else:
            self.timestamp_ms = (self.timestamp_ms + self.delta_ms) % U32_END
        self.is_open = True

    def end(self) -> bytes:
        """The message's body; it is forgotten here."""
        body, self.body, self.is_open = bytes(self.body), bytearray(), False
        return body


class ChunkReader:
    """Chunks in, messages out. It obeys Set Chunk Size and Abort by itself (5.4.1, 5.4.2)."""

    def __init__(self, limits: ChunkLimits) -> None:
        self._limits = limits
        self._channels: dict[int, _Channel] = {}
        self._unread, self._at = b"", 0
        """What was fed last, and from where on it has not been read: at most a chunk's headers are
        left of it, so that the next ones cost no copy."""
        self._chunk_bytes = CHUNK_BYTES_DEFAULT
        self._partial_bytes = 0
        self._current: _Channel | None = None
        self._missing = 0
        """How many bytes the current chunk still lacks."""
        self._chunks = self._messages = 0

    def allow(self, limits: ChunkLimits) -> None:
        """Hold the peer to other limits from now on: it has another role."""
        self._limits = limits

    def feed(self, data: bytes) -> None:
        """Take bytes of the peer; `next_message` has to be called until there is none."""
        self._unread = self._unread[self._at :] + data
        self._at = 0

    @property
    def unread_bytes(self) -> int:
        """What was fed, and is of no chunk yet."""
        return len(self._unread) - self._at

    @property
    def kept_bytes(self) -> int:
        """What is kept of messages that are not whole."""
        return self._partial_bytes + self.unread_bytes

    def next_message(self) -> Message | None:
        """The next whole message, or None until more bytes come. Raises RtmpError."""
        while True:
            channel = self._current or self._begin_chunk()
            if channel is None:
                return None
            body = self._take_body(channel)
            if body is None:
                if self._current is not None:
                    return None
                continue
            if self._messages == self._limits.messages_max:
                raise RtmpError(f"more than {self._messages} messages")
            self._messages += 1
            message = Message(channel.kind, channel.stream_id, channel.timestamp_ms, body)
            if channel.kind not in _OBEYED or not self._is_obeyed(message):
                return message

    def _begin_chunk(self) -> _Channel | None:
        """Read one chunk's headers, and make it the current one; None while they are not whole."""
        unread, at = self._unread, self._at + 1
        if at > len(unread):
            return None
        form, number = unread[at - 1] >> 6, unread[at - 1] & 0x3F
        if number < 2:  # the channel stands in the next bytes (5.3.1.1)
            since, at = at, at + 1 + number
            number = 64 + int.from_bytes(unread[since:at], "little")
            if at > len(unread):
                return None
        if self._chunks == self._limits.chunks_max:
            raise RtmpError(f"more than {self._chunks} chunks")
        channel = self._channels.get(number) or self._new_channel(number, form)
        header = unread[at : at + _HEADER_BYTES[form]]
        at += len(header)
        if len(header) < _HEADER_BYTES[form]:
            return None
        extended = b""
        if header[:3] == b"\xff\xff\xff" or (form == 3 and channel.extended):
            extended = unread[at : at + 4]
            if len(extended) < 4:
                return None
            # Old publishers do not repeat the four bytes in type 3: then they are of the body.
            at += 4 if form != 3 or extended == channel.extended else 0
        self._at = at
        self._chunks += 1
        if not channel.is_open:
            channel.begin(form, header, extended)
            if channel.length > self._limits.message_bytes_max:
                raise RtmpError(f"a message of {channel.length} bytes")
        elif form != 3:
            raise RtmpError("a new message begins before the last one is whole")
        self._current = channel
        self._missing = min(self._chunk_bytes, channel.length - len(channel.body))
        return channel

    def _new_channel(self, number: int, form: int) -> _Channel:
        # Type 1 begins one as well: librtmp sends its first ping so.
        if form > 1:
            raise RtmpError(f"a channel begins with type {form}, which repeats what never was")
        if len(self._channels) >= self._limits.channels_max:
            raise RtmpError(f"more than {self._limits.channels_max} channels")
        channel = self._channels[number] = _Channel()
        return channel

    def _take_body(self, channel: _Channel) -> bytes | None:
        """Take what is there of the current chunk's body; gives the message's once it is whole."""
        at, missing = self._at, self._missing
        taken = self._unread[at : at + missing]
        self._at = at + len(taken)
        self._missing = missing - len(taken)
        self._partial_bytes += len(taken)
        if self._partial_bytes > self._limits.partial_bytes_max:
            raise RtmpError("too many bytes of messages that are not whole")
        if self._missing == 0:
            self._current = None
            if len(taken) == channel.length:  # one chunk is all of it, as it is of most
                channel.is_open = False
                self._partial_bytes -= len(taken)
                return taken
        channel.body += taken
        if self._missing or len(channel.body) < channel.length:
            return None
        self._partial_bytes -= channel.length
        return channel.end()

    def _is_obeyed(self, message: Message) -> bool:
        if message.kind == MessageKind.SET_CHUNK_SIZE:
            size = parse_number(message)
            if not 1 <= size < _CHUNK_BYTES_END:
                raise RtmpError(f"a chunk size of {size}")
            self._chunk_bytes = size
            return True
        if message.kind == MessageKind.ABORT:
            aborted = self._channels.get(parse_number(message))
            if aborted is not None:
                self._partial_bytes -= len(aborted.end())
            return True
        return False


class _Told(NamedTuple):
    """What a header said of the message before."""

    kind: int
    stream_id: int
    length: int
    timestamp_ms: int
    time_ms: int
    """The timestamp, or how much later it is than the one before."""
    is_absolute: bool = True
    """Whether `time_ms` is the timestamp."""

    def form(self, last: "_Told | None") -> int:
        """The shortest type of header that says it behind `last` (section 5.3.1.2)."""
        if last is None or not self.follows(last):
            return 0
        if (self.kind, self.length) != (last.kind, last.length):
            return 1
        # Behind an absolute time, type 3 says it again to some readers, and no time to others.
        is_clear = not (last.is_absolute and last.time_ms)
        return 3 if self.time_ms == last.time_ms and is_clear else 2

    def follows(self, last: "_Told") -> bool:
        """Whether its time may be told as how much later it is."""
        return last.stream_id == self.stream_id and last.timestamp_ms <= self.timestamp_ms


class ChunkWriter:
    """Messages in, chunks out, with headers as ffmpeg's players write them."""

    def __init__(self, chunk_bytes: int = CHUNK_BYTES_DEFAULT) -> None:
        """`chunk_bytes` has to be what the peer was told; it begins with the default."""
        self._chunk_bytes = chunk_bytes
        self._last: dict[int, _Told] = {}

    def write(self, channel: int, message: Message) -> bytes:
        """The message's chunks. The first is as short as may be: it repeats what it can."""
        last, time_ms = self._last.get(channel), message.timestamp_ms
        told = _Told(message.kind, message.stream_id, len(message.body), time_ms, time_ms)
        if last is not None and told.follows(last):
            told = told._replace(time_ms=time_ms - last.timestamp_ms, is_absolute=False)
        self._last[channel] = told
        message = message._replace(timestamp_ms=told.time_ms)
        return _chunked(told.form(last), channel, message, self._chunk_bytes)

    def resize(self, chunk_bytes: int) -> bytes:
        """Chunks of this size from now on; gives the bytes that tell the peer (5.4.1)."""
        size = chunk_bytes.to_bytes(4, "big")
        told = self.write(2, Message(MessageKind.SET_CHUNK_SIZE, 0, 0, size))
        self._chunk_bytes = chunk_bytes
        return told


def whole_chunks(channel: int, message: Message, chunk_bytes: int) -> bytes:
    """A message whose bytes depend on no message before it: every header is of type 0.

    So the same bytes go to everybody who was told the same chunk size.
    """
    return _chunked(0, channel, message, chunk_bytes)


def _chunked(form: int, channel: int, message: Message, chunk_bytes: int) -> bytes:
    """A message's chunks; but for type 0 its time is a delta, and its stream id is left out.

    The extended time is repeated in each chunk (section 5.3.1.3).
    """
    time_ms = message.timestamp_ms
    extended = time_ms.to_bytes(4, "big") if time_ms >= _EXTENDED else b""
    header = min(time_ms, _EXTENDED).to_bytes(3, "big")
    header += len(message.body).to_bytes(3, "big") + bytes([message.kind])
    header = (header + message.stream_id.to_bytes(4, "little"))[: _HEADER_BYTES[form]]
    body = message.body
    bodies = [body[at : at + chunk_bytes] for at in range(0, len(body), chunk_bytes)] or [b""]
    again = _basic_header(3, channel) + extended
    return _basic_header(form, channel) + header + extended + again.join(bodies)


def _basic_header(form: int, channel: int) -> bytes:
    if not 2 <= channel <= _CHANNEL_MAX:
        raise RtmpError(f"there is no channel {channel}")
    if channel < 64:
        return bytes([form << 6 | channel])
    if channel < 320:
        return bytes([form << 6, channel - 64])
    return bytes([form << 6 | 1]) + (channel - 64).to_bytes(2, "little")
