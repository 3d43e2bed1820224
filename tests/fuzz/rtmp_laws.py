"""Laws of what reads RTMP: AMF, chunks, both sides of a session, media, marks and addresses."""

import contextlib
from collections.abc import Iterator

from coordinator.adapters.media.message_packets import packets_of
from rtmp import amf
from rtmp.addresses import RtmpAddress
from rtmp.chunks import ChunkLimits, ChunkReader, ChunkWriter
from rtmp.errors import RtmpError
from rtmp.flv import payload_of
from rtmp.flv_file import flv_file
from rtmp.handshake import PART_BYTES
from rtmp.line import ANSWER_BYTES_MAX
from rtmp.marks import (
    Stamp,
    StreamMark,
    encode_mark,
    is_mark,
    mark_message,
    parse_mark,
    stamp_of,
)
from rtmp.media import FRAMES_MAX, fan_out_bytes, frames_of
from rtmp.messages import Message, MessageKind, UserControl, command, number_message, user_control
from rtmp.player import Player, PlayStage
from rtmp.server import (
    ASKING_BYTES_MAX,
    CHUNK_BYTES,
    PUBLISHER_LIMITS,
    Ended,
    ServerSession,
    ServerStage,
)
from rtmp.track_data import tracks_in
from tests.fuzz.target import Target, cut, halves

LIMITS = ChunkLimits(message_bytes_max=4_000, partial_bytes_max=6_000, channels_max=7)
HEADER_BYTES_MAX = 3 + 11 + 4
GREETING = b"\x03" + bytes(2 * PART_BYTES)
SESSION_BYTES_MAX = 9_000
"""Behind the handshake: so much asks for fewer answers than may wait, in whatever pieces it comes.
Beyond that the size of the pieces may decide, since a peer that reads nothing is let go."""
_ADDRESS = RtmpAddress("203.0.113.5", 1935, "live", "s")
_MEDIA = (MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DATA)
_KINDS = (*_MEDIA, MessageKind.AMF3_DATA, MessageKind.AGGREGATE)


def amf_law(data: bytes) -> None:
    """What was read is written, and read as the same; there is no more of it than is allowed."""
    try:
        written = amf.encode(*amf.decode(data))
    except RtmpError:
        return  # also a key whose wrong bytes, each made U+FFFD, are too many to be written
    assert amf.encode(*amf.decode(written)) == written


def chunk_law(data: bytes) -> None:
    """Messages are the same in whatever pieces they come, and once they are written anew."""
    size, sent = halves(data)
    whole = _messages(sent, len(sent) or 1)
    assert whole == _messages(sent, size or 256)
    found, _ = whole
    writer, reader = ChunkWriter(), ChunkReader(LIMITS)
    reader.feed(b"".join(writer.write(3 + at % 3, each) for at, each in enumerate(found)))
    assert list(iter(reader.next_message, None)) == found


def _messages(sent: bytes, size: int) -> tuple[list[Message], bool]:
    """(the messages, whether all of it could be read)."""
    reader, found = ChunkReader(LIMITS), list[Message]()
    try:
        for piece in cut(sent, size):
            reader.feed(piece)
            while (message := reader.next_message()) is not None:
                assert len(message.body) <= LIMITS.message_bytes_max
                found.append(message)
            assert reader.kept_bytes <= LIMITS.partial_bytes_max + HEADER_BYTES_MAX
    except RtmpError:
        return found, False
    return found, True


def server_law(data: bytes) -> None:
    """A client gets the same answers and leads to the same events, in whatever pieces it speaks."""
    choice, sent = halves(data)
    assert _served(sent, choice, len(sent) or 1) == _served(sent, choice, choice + 1)


def _served(sent: bytes, choice: int, size: int) -> tuple[list[object], int, bool]:
    session, events, said_bytes, asked = ServerSession(), list[object](), 0, 0
    try:
        for piece in (GREETING, *cut(sent, size)):
            session.feed(piece)
            stage = session.stage
            while (event := session.next_event()) is not None:
                events.append(event)
                if isinstance(event, Message):
                    assert session.stage is ServerStage.PUBLISHING
                    assert event.kind in _MEDIA
                elif isinstance(event, Ended):
                    assert session.stage is ServerStage.OVER
                elif choice >> asked & 1:
                    session.refuse("NetStream.Play.Failed", "No.")
                else:
                    session.accept()
                    asked += 1
            assert stage <= session.stage
            assert session.kept_bytes <= PUBLISHER_LIMITS.partial_bytes_max + ASKING_BYTES_MAX
            said = session.answers()
            assert len(said) <= ANSWER_BYTES_MAX + 2 * PART_BYTES
            said_bytes += len(said)
    except RtmpError:
        return events, 0, False  # what was said before depends on when it was collected
    return events, said_bytes, True


def player_law(data: bytes) -> None:
    """The same of a server that this tree's player plays from."""
    size, sent = halves(data)
    assert _played(sent, len(sent) or 1) == _played(sent, size + 1)


def _played(sent: bytes, size: int) -> tuple[list[object], bool]:
    player, events = Player(_ADDRESS, LIMITS), list[object]()
    try:
        for piece in (GREETING, *cut(sent, size)):
            player.feed(piece)
            stage = player.stage
            while (event := player.next_event()) is not None:
                assert player.stage >= PlayStage.PLAYING
                events.append(event)
            assert stage <= player.stage
            assert len(player.answers()) <= ANSWER_BYTES_MAX
            kept_bytes_max = LIMITS.partial_bytes_max + HEADER_BYTES_MAX
            assert player.stage is PlayStage.OVER or player.kept_bytes <= kept_bytes_max
    except RtmpError:
        return events, False
    return events, True


def media_law(data: bytes) -> None:
    """Whatever is published: split, named, told apart by tracks, handed on and compared."""
    kind, body = halves(data)
    sent = Message(_KINDS[kind % len(_KINDS)], 1, kind << 20, body)
    with contextlib.suppress(RtmpError):
        frames = frames_of(sent)
        assert len(frames) <= FRAMES_MAX
        for frame in frames:
            _hold_frame(frame)
        assert len(flv_file(frames)) == 13 + sum(15 + len(frame.body) for frame in frames)
        assert list(_handed_on(frames)) == frames


def _hold_frame(frame: Message) -> None:
    packets = packets_of(frame, 7.0)
    assert packets
    assert sum(each.size for each in packets) <= len(frame.body)
    if frame.kind == MessageKind.DATA:
        stamp_of(frame, None)
        return
    try:
        payload = payload_of(frame)
    except RtmpError:
        return
    stamp_of(frame, payload)
    with contextlib.suppress(RtmpError):
        read, tracks = tracks_in(frame)
        assert read == payload
        assert tuple(each.track for each in tracks) == (payload.tracks if payload else ())
        assert sum(len(each.data) for each in tracks) <= len(frame.body)


def _handed_on(frames: list[Message]) -> Iterator[Message]:
    """As a player reads what a relay fans out."""
    reader = ChunkReader(PUBLISHER_LIMITS)
    reader.feed(ChunkWriter().resize(CHUNK_BYTES))
    for frame in frames:
        reader.feed(fan_out_bytes(frame, frame.stream_id, CHUNK_BYTES))
        yield from iter(reader.next_message, None)


def mark_law(data: bytes) -> None:
    """A mark has one way to be written, and says what was signed."""
    message = Message(MessageKind.DATA, 0, 7, data)
    if not is_mark(message):
        return
    try:
        said = parse_mark(message)
    except RtmpError:
        return
    assert encode_mark(said.mark) == said.payload
    assert mark_message(said.payload, said.signature, 7) == message


def rtmp_address_law(data: bytes) -> None:
    """An address is read as it is written, and holds nothing that a tool could take for more."""
    try:
        address = RtmpAddress.parse(data.decode("utf-8", errors="replace"))
    except RtmpError:
        return
    assert RtmpAddress.parse(address.url) == address
    assert address.url.isascii()
    assert not set(address.url) & set(" ;{}\"'\n\\?#@%$`|&<>")


_CONNECT = command("connect", 1.0, {"app": "live", "tcUrl": "rtmp://h/live", "flashVer": "x"})
_PLAY = command("play", 3.0, None, "s1?key=1", stream_id=1)
_PUBLISH = command("publish", 3.0, None, "s1?key=1", "live", stream_id=1)
_CREATE = command("createStream", 2.0, None)
_PICTURE = Message(MessageKind.VIDEO, 1, 40, b"\x17\x01\x00\x00\x00" + b"v" * 200)
_SOUND = Message(MessageKind.AUDIO, 1, 2**24 + 7, b"\xaf\x01" + b"a" * 140)
_TAG = bytes([9, 0, 0, 7, 0, 0, 40, 0, 0, 0, 0]) + b"\x17\x01\x00\x00\x00vv" + bytes(4)
_AGGREGATE = Message(MessageKind.AGGREGATE, 1, 80, _TAG * 2)
_CONTROLS = (
    number_message(MessageKind.WINDOW, 2_500_000),
    number_message(MessageKind.SET_CHUNK_SIZE, 60_000),
    number_message(MessageKind.ABORT, 3),
    user_control(UserControl.PING_REQUEST, b"ping"),
)
_TOLD = (
    command("_result", 1.0, {"fmsVer": "x"}, {"level": "status"}),
    command("_result", 2.0, None, 1.0),
    command("onStatus", 0.0, None, {"level": "status", "code": "NetStream.Play.Start"}),
)
_ENHANCED = b"\x91hvc1\x00\x00\x00v"
_MANY = b"\x96\x11avc1\x00\x00\x00\x05\x00\x00\x00vv\x01\x00\x00\x05\x00\x00\x00vv"
_METADATA = amf.encode("@setDataFrame", "onMetaData", {"width": 640.0, "list": [1.0, None, True]})
_MARK = mark_message(
    encode_mark(
        StreamMark(
            b"n" * 16,
            7,
            11,
            bytes(16),
            (Stamp(18, 0, True, b"d" * 12),),
            (Stamp(9, 1, False, b"e" * 12),),
        )
    ),
    b"s" * 64,
    7,
)


def _spoken(*messages: Message) -> bytes:
    writer = ChunkWriter()
    return b"".join(writer.write(3 + at % 4, each) for at, each in enumerate(messages))


def _halves_of_two() -> bytes:
    """Two messages of which parts have come: nearly as much as may be kept."""
    part, writer = bytes(LIMITS.partial_bytes_max // 6), ChunkWriter()
    head = bytes(3) + (4_000).to_bytes(3) + b"\x09" + bytes(4)
    first = b"\x03" + head + part + b"\xc3" + part + b"\xc3" + part
    second = b"\x04" + head + 3 * part[:-1]
    return writer.resize(len(part)) + first + writer.resize(CHUNK_BYTES) + second


_MARKERS = (
    b"\x02\x00",
    b"\x03\x00",
    b"\x08\x00\x00",
    b"\x0a\x00\x00\x00",
    b"\x00\x00\x09",
    b"\x0b",
)
RTMP_TARGETS = (
    Target("amf", amf_law, (_METADATA, _CONNECT.body, b"\x0b" + bytes(10)), 4_096, _MARKERS),
    Target(
        "chunks",
        chunk_law,
        (
            b"\x07" + _spoken(*_CONTROLS, _CONNECT, _PICTURE, _SOUND),
            b"\x01" + _spoken(_SOUND, _SOUND._replace(timestamp_ms=2**24 + 30), _PICTURE),
            b"\xff" + _halves_of_two(),
        ),
        SESSION_BYTES_MAX,
        (b"\xff\xff\xff", b"\xc3", b"\x43", b"\x83", b"\x03\x00\x00"),
    ),
    Target(
        "server",
        server_law,
        (
            b"\x00" + _spoken(*_CONTROLS, _CONNECT, _CREATE, _PUBLISH, _PICTURE, _AGGREGATE),
            b"\x06" + _spoken(_CONNECT, _CREATE, _PLAY, *_CONTROLS),
            b"\x0d" + _spoken(_CONNECT, command("FCPublish", 2.0, None, "s1"), _PUBLISH, _SOUND),
        ),
        SESSION_BYTES_MAX,
        (b"connect", b"play", b"publish", b"createStream", b"deleteStream", b"\x14", b"\x16"),
    ),
    Target(
        "player",
        player_law,
        (
            b"\x09" + _spoken(*_CONTROLS, *_TOLD, _PICTURE, _SOUND),
            b"\x00"
            + _spoken(*_TOLD, command("onStatus", 0.0, None, {"code": "NetStream.Play.Stop"})),
        ),
        SESSION_BYTES_MAX,
        (b"_result", b"_error", b"onStatus", b"code", b"NetStream.Play.Stop"),
    ),
    Target(
        "media",
        media_law,
        (
            b"\x01" + _PICTURE.body,
            b"\x00" + _SOUND.body,
            b"\x01" + _ENHANCED,
            b"\x01" + _MANY,
            b"\x00\x95\x20Opus\x00aa",
            b"\x01\x97\x02xyz\x01avc1vv",
            b"\x02" + _METADATA,
            b"\x03\x00" + _METADATA,
            b"\x04" + _AGGREGATE.body,
        ),
        4_096,
        (b"avc1", b"hvc1", b"vvc1", b"mp4a", b"\x97", b"\x96\x21", b"\xff\xff"),
    ),
    Target("marks", mark_law, (_MARK.body, b"\x0c" + _MARK.body), 8_000, (b"onRelayMark", b"AA==")),
    Target(
        "rtmp-addresses",
        rtmp_address_law,
        (b"rtmp://203.0.113.5:1935/live/s-1", b"rtmp://[2001:db8::7]/live/s_1", b"rtmp://a.b/c/d"),
        600,
        (b"rtmp://", b"]:", b"%25", b"::ffff:"),
    ),
)
