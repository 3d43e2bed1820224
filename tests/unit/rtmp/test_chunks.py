"""Chunks, with every trap that servers and publishers lay."""

import pytest

from rtmp.chunks import ChunkLimits, ChunkReader, ChunkWriter
from rtmp.errors import RtmpError
from rtmp.messages import U32_END, Message, MessageKind, number_message

LIMITS = ChunkLimits(message_bytes_max=1000, partial_bytes_max=2000, channels_max=5)


def read(data: bytes, limits: ChunkLimits = LIMITS) -> list[Message]:
    """All whole messages."""
    reader = ChunkReader(limits)
    reader.feed(data)
    return list(iter(reader.next_message, None))


def head(form: int, time_ms: int, length: int = 3, kind: int = 9, channel: int = 4) -> bytes:
    """A chunk's headers, of stream 1."""
    fields = time_ms.to_bytes(3, "big") + length.to_bytes(3, "big") + bytes([kind])
    fields += (1).to_bytes(4, "little")
    return bytes([form << 6 | channel]) + fields[: (11, 7, 3, 0)[form]]


def test_a_message_is_cut_into_chunks_and_put_together() -> None:
    """128 bytes each at first; the header stands once."""
    message = Message(9, 1, 7, bytes(range(256)) + b"end")
    data = ChunkWriter().write(4, message)
    assert data[:12] == b"\x04\x00\x00\x07\x00\x01\x03\x09\x01\x00\x00\x00"
    assert data[12 + 128] == data[12 + 128 + 129] == 0xC4
    assert len(data) == 12 + 259 + 2
    assert read(data) == [message]


@pytest.mark.parametrize(
    ("channel", "begins"),
    [(2, b"\x02"), (63, b"\x3f"), (64, b"\x00\x00"), (319, b"\x00\xff"), (320, b"\x01\x00\x01"),
     (65_599, b"\x01\xff\xff")],
)  # fmt: skip
def test_channels_have_one_two_or_three_bytes(channel: int, begins: bytes) -> None:
    """As section 5.3.1.1 shows them."""
    message = Message(8, 1, 0, b"x" * 300)
    data = ChunkWriter().write(channel, message)
    assert data.startswith(begins)
    assert read(data) == [message]


def test_a_channel_is_the_same_in_two_and_in_three_bytes() -> None:
    """The last one's low byte stands first."""
    data = ChunkWriter().write(65, Message(8, 1, 0, b"x" * 130))
    assert data.startswith(b"\x00\x01")
    assert data[13 + 128 :] == b"\xc0\x01xx"
    assert len(read(data[: 13 + 128] + b"\xc1\x01\x00xx")) == 1


@pytest.mark.parametrize("channel", [0, 1, 65_600])
def test_a_channel_that_cannot_be_is_not_written(channel: int) -> None:
    """Two numbers mean that more bytes follow."""
    with pytest.raises(RtmpError, match="no channel"):
        ChunkWriter().write(channel, Message(8, 1, 0, b""))


def test_times_are_absolute_in_type_0_and_added_in_types_1_and_2() -> None:
    """Type 3 repeats the last delta, which is none after type 0."""
    data = (
        head(0, 100) + b"abc" + head(3, 0) + b"abc" + head(1, 7) + b"abc" + head(3, 0) + b"abc"
        + head(2, 11) + b"abc" + head(3, 0) + b"abc" + head(0, 5) + b"abc"
    )  # fmt: skip
    assert [m.timestamp_ms for m in read(data)] == [100, 100, 107, 114, 125, 136, 5]


def test_times_go_round() -> None:
    """After 49.7 days."""
    late = (U32_END - 3).to_bytes(4, "big")
    data = head(0, 0xFFFFFF) + late + b"abc" + head(2, 5) + b"abc"
    assert [m.timestamp_ms for m in read(data)] == [U32_END - 3, 2]


def test_a_long_time_is_repeated_before_every_further_chunk() -> None:
    """Or else players fail after 4 h 40 min."""
    message = Message(9, 1, 2**24 + 77, b"x" * 300)
    data = ChunkWriter().write(4, message)
    assert data.count((2**24 + 77).to_bytes(4, "big")) == 3
    assert read(data) == [message]


def test_a_long_time_that_is_not_repeated_is_body() -> None:
    """As old publishers send it."""
    body = b"y" * 200
    long = head(0, 0xFFFFFF, 200) + (2**25).to_bytes(4, "big")
    (message,) = read(long + body[:128] + b"\xc4" + body[128:])
    assert (message.timestamp_ms, message.body) == (2**25, body)


def test_a_short_time_ends_a_long_one() -> None:
    """Type 3 repeats the four bytes of the last header only, if that had any."""
    long = head(0, 0xFFFFFF) + (2**24).to_bytes(4, "big") + b"abc"
    data = long + head(1, 7) + b"abc" + head(3, 0) + b"abc"
    assert [m.timestamp_ms - 2**24 for m in read(data)] == [0, 7, 14]


def test_a_long_delta_is_a_delta() -> None:
    """In types 1 and 2 the four bytes are no time of their own."""
    data = head(0, 3) + b"abc" + head(1, 0xFFFFFF) + (2**24).to_bytes(4, "big") + b"abc"
    assert [m.timestamp_ms for m in read(data)] == [3, 3 + 2**24]


def test_the_writer_uses_a_delta_where_it_may() -> None:
    """Of the same stream, and never back in time. What is as before is left out."""
    writer = ChunkWriter()
    sent = [
        Message(8, 1, 10, b"a"),
        Message(8, 1, 23, b"b"),
        Message(8, 1, 36, b"c"),
        Message(8, 1, 49, b"dd"),
        Message(9, 1, 49, b"ee"),
        Message(8, 1, 11, b"f"),
        Message(8, 2, 29, b"g"),
    ]
    pieces = [writer.write(4, message) for message in sent]
    assert [piece[0] >> 6 for piece in pieces] == [0, 2, 3, 1, 1, 0, 0]
    assert read(b"".join(pieces)) == sent


def test_messages_of_several_channels_mix() -> None:
    """Between the chunks of one come those of another."""
    video = ChunkWriter().write(6, Message(9, 1, 0, b"v" * 200))
    audio = ChunkWriter().write(4, Message(8, 1, 0, b"a"))
    mixed = video[: 12 + 128] + audio + video[12 + 128 :]
    assert [m.kind for m in read(mixed)] == [8, 9]


def test_a_chunk_size_holds_from_the_next_chunk_on() -> None:
    """In the middle of a message as well."""
    resize = ChunkWriter().write(2, number_message(MessageKind.SET_CHUNK_SIZE, 500))
    body = b"v" * 600
    data = head(0, 0, 600) + body[:128] + resize + head(3, 0) + body[128:]
    assert [m.body for m in read(data)] == [body]


@pytest.mark.parametrize("size", [0, 2**31, U32_END - 1])
def test_a_chunk_size_that_would_never_end_is_refused(size: int) -> None:
    """Zero loops for ever, and the first bit is none of the size."""
    with pytest.raises(RtmpError, match="chunk size"):
        read(ChunkWriter().write(2, number_message(MessageKind.SET_CHUNK_SIZE, size)))


def test_an_aborted_message_is_dropped() -> None:
    """Its channel goes on with another; one that was never used aborts nothing."""
    abort = ChunkWriter().write(2, number_message(MessageKind.ABORT, 4))
    nothing = ChunkWriter().write(2, number_message(MessageKind.ABORT, 63))
    data = head(0, 0, 600) + b"v" * 128 + abort + nothing + head(0, 9) + b"abc"
    reader = ChunkReader(LIMITS)
    reader.feed(data)
    message = reader.next_message()
    assert message is not None
    assert (message.timestamp_ms, message.body) == (9, b"abc")
    assert reader.kept_bytes == 0


def test_a_header_in_mid_message_is_refused() -> None:
    """100 bytes announced after 128 of 200 once made a count of bytes negative."""
    with pytest.raises(RtmpError, match="before the last one is whole"):
        read(head(0, 0, 200) + b"v" * 128 + head(0, 0, 100) + b"v" * 100)


@pytest.mark.parametrize("form", [2, 3])
def test_a_channel_cannot_begin_by_repeating(form: int) -> None:
    """Type 1 can: librtmp sends its first ping so."""
    with pytest.raises(RtmpError, match="repeats what never was"):
        read(head(form, 0))
    assert read(head(1, 7) + b"abc") == [Message(9, 0, 7, b"abc")]


def test_an_empty_message_is_a_message() -> None:
    """Silence, in enhanced RTMP; one byte repeats it."""
    assert read(head(0, 5, 0) + b"\xc4\xc4") == [Message(9, 1, 5, b"")] * 3


def test_a_message_a_sum_and_a_number_of_channels_have_their_limit() -> None:
    """A cap per channel alone would be 65,598 caps."""
    with pytest.raises(RtmpError, match="a message of 1001 bytes"):
        read(head(0, 0, 1001))
    begun = [head(0, 0, 1000, channel=c) + b"v" * 128 for c in range(3, 9)]
    assert read(b"".join(begun[:5])) == []
    with pytest.raises(RtmpError, match="more than 5 channels"):
        read(b"".join(begun))
    tight = LIMITS._replace(partial_bytes_max=300)
    with pytest.raises(RtmpError, match="not whole"):
        read(b"".join(begun[:3]), tight)


def test_a_whole_message_is_not_kept() -> None:
    """However many there were."""
    reader = ChunkReader(LIMITS._replace(partial_bytes_max=3))
    for _ in range(100):
        reader.feed(head(0, 0) + b"abc")
        assert reader.next_message() is not None
    assert reader.kept_bytes == 0


def test_what_a_peer_has_us_read_is_limited_however_small_its_pieces() -> None:
    """A chunk may hold one byte, and costs as much as one of thousands."""
    reader = ChunkReader(LIMITS._replace(chunks_max=20))
    reader.feed(ChunkWriter().resize(1))
    reader.feed(ChunkWriter(1).write(4, Message(8, 1, 0, bytes(100))))
    with pytest.raises(RtmpError, match="more than 20 chunks"):
        reader.next_message()


def test_messages_are_limited_as_well_those_that_are_obeyed_too() -> None:
    """Each costs more than a chunk does."""
    reader = ChunkReader(LIMITS._replace(messages_max=3))
    writer = ChunkWriter()
    reader.feed(writer.resize(128) + writer.write(4, Message(8, 1, 0, b"a")) * 3)
    assert reader.next_message()
    assert reader.next_message()
    with pytest.raises(RtmpError, match="more than 3 messages"):
        reader.next_message()
