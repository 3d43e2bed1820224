"""A stream to be shown, message by message, and viewers who read what they get."""

import asyncio
from collections.abc import Iterable

from agent.relay.restream.stream import LiveStream
from agent.relay.restream.viewer import Viewer
from rtmp import amf
from rtmp.chunks import ChunkReader, ChunkWriter
from rtmp.messages import Message, MessageKind, number_message
from rtmp.player import PLAYER_LIMITS
from rtmp.server import CHUNK_BYTES
from rtmp.server_messages import STREAM_ID

VIDEO_HEADER = b"\x17\x00\x00\x00\x00avcC"
AUDIO_HEADER = b"\xaf\x00\x12\x10"


class Reader(asyncio.Transport):
    """A viewer's connection that takes everything off, or nothing while it is slow."""

    def __init__(self) -> None:
        super().__init__()
        self.is_slow = False
        self._waiting = b""
        self.parts: list[bytes | bytearray | memoryview] = []
        """Of its first burst."""
        self._chunks = ChunkReader(PLAYER_LIMITS)
        told = number_message(MessageKind.SET_CHUNK_SIZE, CHUNK_BYTES)
        self._chunks.feed(ChunkWriter().write(2, told))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it until it is read."""
        self._waiting += data

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """The same of several; only a first burst comes so."""
        self.parts = list(list_of_data)
        self.write(b"".join(self.parts))

    def get_write_buffer_size(self) -> int:
        """What a slow reader leaves."""
        return len(self._waiting) if self.is_slow else 0

    def read(self) -> list[Message]:
        """Everything that was written since the last time."""
        self._chunks.feed(self._waiting)
        self._waiting = b""
        return list(iter(self._chunks.next_message, None))


def key(time_ms: int, body: bytes = b"key") -> Message:
    """A picture that needs none before it."""
    return Message(MessageKind.VIDEO, STREAM_ID, time_ms, b"\x17\x01\x00\x00\x00" + body)


def inter(time_ms: int, body: bytes = b"inter") -> Message:
    """A picture that needs those before it."""
    return Message(MessageKind.VIDEO, STREAM_ID, time_ms, b"\x27\x01\x00\x00\x00" + body)


def sound(time_ms: int, body: bytes = b"\xaf\x01sound") -> Message:
    """Of AAC, unless it is something else."""
    return Message(MessageKind.AUDIO, STREAM_ID, time_ms, body)


def header(kind: int, body: bytes, time_ms: int = 0) -> Message:
    """What a decoder needs first."""
    return Message(kind, STREAM_ID, time_ms, body)


def metadata(**fields: amf.Value) -> Message:
    """What the publisher says of itself."""
    body = amf.encode("onMetaData", fields)
    return Message(MessageKind.DATA, STREAM_ID, 0, body)


META = metadata(width=640)
HEADERS = [header(MessageKind.VIDEO, VIDEO_HEADER), header(MessageKind.AUDIO, AUDIO_HEADER)]


class Show:
    """A stream with a clock, and whoever watches it."""

    def __init__(self, *messages: Message) -> None:
        self.stream = LiveStream("s1")
        self.now_s = 100.0
        self.play(*messages)

    def play(self, *messages: Message) -> None:
        """Take these, and send them."""
        for message in messages:
            self.stream.offer(message, self.now_s)
        self.stream.flush(self.now_s)

    def watch(self) -> tuple[Viewer, Reader]:
        """One more comes."""
        reader = Reader()
        viewer = Viewer(reader, self.now_s)
        self.stream.join(viewer, self.now_s)
        return viewer, reader
