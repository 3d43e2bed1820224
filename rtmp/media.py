"""Media on its way through a relay: what a publisher sends, as players get it."""

from rtmp.chunks import whole_chunks
from rtmp.errors import RtmpError
from rtmp.messages import U32_END, Message, MessageKind

_TAG_HEADER_BYTES = 11
_TAG_TAIL_BYTES = 4
_SET_DATA_FRAME = b"\x02\x00\x0d@setDataFrame"
"""What publishers put before the metadata, and players do not get (FLV 10.1, annex E.5)."""
_CHANNELS = {MessageKind.AUDIO: 4, MessageKind.VIDEO: 6, MessageKind.DATA: 5}
FRAMES_MAX = 512
"""In one aggregate: some seconds of sound."""
_FRAMES = frozenset((MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DATA))


def frames_of(message: Message) -> list[Message]:
    """A publisher's message as players get it: an aggregate is several. Raises RtmpError."""
    if message.kind != MessageKind.AGGREGATE:
        return [_for_players(message)]
    return [_for_players(frame) for frame in _split(message)]


def fan_out_bytes(message: Message, stream_id: int, chunk_bytes: int) -> bytes:
    """The bytes that every player gets: they depend on this message alone."""
    channel = _CHANNELS[MessageKind(message.kind)]
    return whole_chunks(channel, message._replace(stream_id=stream_id), chunk_bytes)


def data_name(message: Message) -> str:
    """The name of script data, like `onMetaData`; empty where it has none. Reads nothing else."""
    body = message.body
    if body[:1] != b"\x02":
        return ""
    return body[3 : 3 + int.from_bytes(body[1:3], "big")].decode("utf-8", errors="replace")[:64]


def _for_players(message: Message) -> Message:
    if message.kind == MessageKind.AMF3_DATA:
        message = message._replace(kind=MessageKind.DATA, body=message.body.removeprefix(b"\x00"))
    if message.kind == MessageKind.DATA:
        return message._replace(body=message.body.removeprefix(_SET_DATA_FRAME))
    return message


def _split(message: Message) -> list[Message]:
    """The FLV tags of an aggregate (section 7.1.6): times are relative to the first one's."""
    found: list[Message] = []
    body, at, first_ms = message.body, 0, None
    while at < len(body):
        header = body[at : at + _TAG_HEADER_BYTES]
        at += _TAG_HEADER_BYTES
        length = int.from_bytes(header[1:4], "big")
        if len(header) < _TAG_HEADER_BYTES or at + length > len(body):
            raise RtmpError("an aggregate ends in mid-tag")
        if len(found) >= FRAMES_MAX:
            raise RtmpError(f"an aggregate of more than {FRAMES_MAX} tags")
        time_ms = header[7] << 24 | int.from_bytes(header[4:7], "big")
        first_ms = time_ms if first_ms is None else first_ms
        time_ms = (message.timestamp_ms + time_ms - first_ms) % U32_END
        if header[0] in _FRAMES:
            frame = Message(header[0], message.stream_id, time_ms, body[at : at + length])
            found.append(frame)
        at += length + _TAG_TAIL_BYTES
    return found
