"""Media on its way through a relay: as players get it, and the same bytes for all of them."""

import pytest

from rtmp.chunks import ChunkReader, ChunkWriter
from rtmp.errors import RtmpError
from rtmp.media import FRAMES_MAX, data_name, fan_out_bytes, frames_of
from rtmp.messages import Message, MessageKind, number_message
from rtmp.player import PLAYER_LIMITS

META = b"\x02\x00\x0aonMetaData\x08\x00\x00\x00\x00\x00\x00\x09"


def tag(kind: int, time_ms: int, body: bytes) -> bytes:
    """An FLV tag with its tail, as in an aggregate."""
    time = (time_ms & 0xFFFFFF).to_bytes(3, "big") + bytes([time_ms >> 24])
    head = bytes([kind]) + len(body).to_bytes(3, "big") + time + bytes(3)
    return head + body + (len(head) + len(body)).to_bytes(4, "big")


def aggregate(time_ms: int, *tags: bytes) -> Message:
    """Several tags as one message."""
    return Message(MessageKind.AGGREGATE, 1, time_ms, b"".join(tags))


@pytest.mark.parametrize(
    ("kind", "body", "for_players"),
    [
        (MessageKind.DATA, META, META),
        (MessageKind.DATA, b"\x02\x00\x0d@setDataFrame" + META, META),
        (MessageKind.AMF3_DATA, b"\x00" + META, META),
        (MessageKind.AMF3_DATA, b"\x00\x02\x00\x0d@setDataFrame" + META, META),
    ],
    ids=["plain", "set", "AMF 3", "AMF 3 set"],
)
def test_players_get_script_data_without_what_publishers_put_before_it(
    kind: int, body: bytes, for_players: bytes
) -> None:
    assert frames_of(Message(kind, 1, 5, body)) == [Message(MessageKind.DATA, 1, 5, for_players)]


def test_media_stay_as_they_are() -> None:
    frame = Message(MessageKind.VIDEO, 1, 5, b"\x02\x00\x0d@setDataFrame")
    assert frames_of(frame) == [frame]


def test_an_aggregate_is_its_tags_dated_from_its_own_time() -> None:
    sent = aggregate(
        1000,
        tag(8, 50_000_007, b"sound"),
        tag(9, 50_000_020, b"picture"),
        tag(18, 50_000_030, b"\x02\x00\x0d@setDataFrame" + META),
    )
    assert frames_of(sent) == [
        Message(MessageKind.AUDIO, 1, 1000, b"sound"),
        Message(MessageKind.VIDEO, 1, 1013, b"picture"),
        Message(MessageKind.DATA, 1, 1023, META),
    ]


def test_an_aggregate_s_times_go_round() -> None:
    sent = aggregate(2**32 - 5, tag(8, 0xFFFFFE, b"a"), tag(8, 0x1000008, b"b"))
    assert [frame.timestamp_ms for frame in frames_of(sent)] == [2**32 - 5, 5]


def test_what_an_aggregate_must_not_hold_is_left_out() -> None:
    """An aggregate inside of one, for example."""
    sent = aggregate(0, tag(22, 0, tag(8, 0, b"in")), tag(20, 0, b"command"), tag(8, 0, b"out"))
    assert [frame.body for frame in frames_of(sent)] == [b"out"]


@pytest.mark.parametrize("cut", [1, 5, 16])
def test_an_aggregate_that_ends_too_soon_is_refused(cut: int) -> None:
    """The last four bytes repeat a length that nobody needs."""
    whole = tag(8, 0, b"sound")
    with pytest.raises(RtmpError, match="mid-tag"):
        frames_of(aggregate(0, whole[: len(whole) - 4 - min(cut, 15)]))


def test_an_aggregate_of_very_many_tags_is_refused() -> None:
    assert len(frames_of(aggregate(0, *[tag(8, 0, b"")] * FRAMES_MAX))) == FRAMES_MAX
    with pytest.raises(RtmpError, match=str(FRAMES_MAX)):
        frames_of(aggregate(0, *[tag(8, 0, b"")] * (FRAMES_MAX + 1)))


@pytest.mark.parametrize("time_ms", [0, 0xFFFFFE, 0xFFFFFF, 2**32 - 1])
@pytest.mark.parametrize("size", [0, 1, 128, 129, 1000])
def test_fan_out_bytes_are_read_from_any_of_them_on(time_ms: int, size: int) -> None:
    """Whoever comes in between needs nothing of what was sent before."""
    frames = [
        Message(kind, 1, time_ms, bytes([kind]) * size)
        for kind in (MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DATA)
    ]
    sent = [fan_out_bytes(frame._replace(stream_id=7), 1, 128) for frame in frames]
    for first in range(len(frames)):
        reader = ChunkReader(PLAYER_LIMITS)
        reader.feed(b"".join(sent[first:]))
        assert [reader.next_message() for _ in frames[first:]] == frames[first:]
        assert reader.next_message() is None


def test_fan_out_bytes_hold_to_the_chunk_size_that_was_told() -> None:
    frame = Message(MessageKind.VIDEO, 1, 3, bytes(range(250)) * 8)
    told = ChunkWriter().write(2, number_message(MessageKind.SET_CHUNK_SIZE, 4))
    reader = ChunkReader(PLAYER_LIMITS)
    reader.feed(told + fan_out_bytes(frame, 1, 4))
    assert reader.next_message() == frame


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (META, "onMetaData"),
        (b"", ""),
        (b"\x02", ""),
        (b"\x02\x00\x0aonMeta", "onMeta"),
        (b"\x05\x00\x0aonMetaData", ""),
        (b"\x02\x00\x02\xff\xfe", "\ufffd\ufffd"),
        (b"\x02\xff\xff" + b"n" * 70, "n" * 64),
    ],
)
def test_script_data_have_a_name_or_none(body: bytes, name: str) -> None:
    assert data_name(Message(MessageKind.DATA, 1, 0, body)) == name
