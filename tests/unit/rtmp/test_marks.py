"""A mark is written and read in one way, and bounded."""

import base64
import struct

import pytest

from rtmp.amf import encode
from rtmp.errors import RtmpError
from rtmp.flv import payload_of
from rtmp.marks import (
    MARK_BYTES_MAX,
    MARK_NAME,
    SIGNATURE_BYTES,
    STAMPS_MAX,
    STANDING_MAX,
    is_mark,
    mark_message,
    parse_mark,
    signed_bytes,
    stamp_of,
)
from rtmp.media import data_name
from rtmp.messages import Message, MessageKind
from tests.signed_streams import (
    HEADERS,
    METADATA,
    NOW_MS,
    PUBLIC_KEY,
    SOUND_HEADER,
    STREAM,
    picture,
    show,
    signed,
    sound,
    verify,
    writer,
)


def test_a_mark_holds_what_its_writer_was_given() -> None:
    """All packets in their order, what stood before them, and the mark before."""
    marks = [parse_mark(each) for each in signed(show(3), every=4) if is_mark(each)]
    first, second, third = (each.mark for each in marks)
    assert [first.sequence, second.sequence, third.sequence] == [0, 1, 2]
    assert first.stamps == tuple(stamp_of(each, payload_of(each)) for each in show(3)[:4])
    assert first.standing == ()
    assert second.standing == tuple(stamp_of(each, payload_of(each)) for each in HEADERS)
    assert (first.last, len(second.last)) == (bytes(16), 16)
    assert third.last not in (first.last, second.last)
    assert first.signed_at_ms == NOW_MS + 4


def test_a_mark_is_script_data_of_a_name_and_a_text() -> None:
    """Such as any AMF 0 reader reads, with nothing behind."""
    mark = signed([sound(1)])[-1]
    assert data_name(mark) == MARK_NAME
    whole = parse_mark(mark)
    said = base64.b64encode(whole.payload + whole.signature).decode()
    assert mark.body == encode(MARK_NAME, said)


def test_a_signature_is_of_one_stream_one_key_and_one_time() -> None:
    """Each of them is part of what is signed, and none can be moved into another."""
    mark = signed([sound(7)])[-1]
    whole = parse_mark(mark)
    said = signed_bytes(STREAM, PUBLIC_KEY, mark.timestamp_ms, whole.payload)
    assert verify(whole.signature, said)
    for other in (
        signed_bytes(STREAM[:-1], PUBLIC_KEY, mark.timestamp_ms, whole.payload),
        signed_bytes(STREAM, PUBLIC_KEY[::-1], mark.timestamp_ms, whole.payload),
        signed_bytes(STREAM, PUBLIC_KEY, mark.timestamp_ms + 1, whole.payload),
        signed_bytes(STREAM, PUBLIC_KEY, mark.timestamp_ms, whole.payload[:-1]),
    ):
        assert not verify(whole.signature, other)


def test_a_header_s_time_is_not_part_of_its_stamp() -> None:
    """A newcomer gets headers dated like its first picture; of pictures the time counts."""
    header, frame = SOUND_HEADER, picture(3)
    later_header, later = header._replace(timestamp_ms=7), frame._replace(timestamp_ms=7)
    assert stamp_of(header, payload_of(header)) == stamp_of(later_header, payload_of(later_header))
    assert stamp_of(frame, payload_of(frame)) != stamp_of(later, payload_of(later))


def test_a_stamp_knows_its_track() -> None:
    """Multitrack sound: the track's number stands behind the codec."""
    second = Message(MessageKind.AUDIO, 1, 0, b"\x95\x01mp4a\x02data")
    assert stamp_of(second, payload_of(second)).track == 2
    assert stamp_of(METADATA, None)[:3] == (MessageKind.DATA, 0, True)


def test_the_largest_mark_is_within_its_bound() -> None:
    """As many headers and packets as may be; one more is refused on both sides."""
    signer = writer()
    for n in range(STANDING_MAX):
        track = Message(MessageKind.AUDIO, 1, 0, b"\x95\x00mp4a" + bytes([n]))
        signer.add(track, payload_of(track))
    signer.mark(NOW_MS, 0)
    for n in range(STAMPS_MAX):
        signer.add(sound(n), payload_of(sound(n)))
    with pytest.raises(ValueError, match="the mark has to come first"):
        signer.add(sound(0), payload_of(sound(0)))
    largest = signer.mark(NOW_MS, 0)
    assert len(largest.body) == MARK_BYTES_MAX
    assert len(parse_mark(largest).mark.stamps) == STAMPS_MAX
    with pytest.raises(RtmpError, match="a mark of 10"):
        parse_mark(largest._replace(body=largest.body + b"AAAA"))
    one_more = Message(MessageKind.AUDIO, 1, 0, b"\x95\x00mp4a\x63")
    with pytest.raises(RtmpError, match="more than 33 headers"):
        signer.add(one_more, payload_of(one_more))


def test_another_publisher_s_headers_do_not_stand() -> None:
    """Newcomers do not get them."""
    signer = writer()
    for each in HEADERS:
        signer.add(each, payload_of(each))
    signer.forget()
    signer.mark(NOW_MS, 0)
    assert parse_mark(signer.mark(NOW_MS, 0)).mark.standing == ()


@pytest.mark.parametrize(
    "body",
    [
        encode(MARK_NAME, "text"),
        encode(MARK_NAME, 7),
        encode(MARK_NAME),
        encode(MARK_NAME, {"a": "b"}),
        b"\x0c" + struct.pack(">I", len(MARK_NAME)) + MARK_NAME.encode(),
        encode(MARK_NAME, ""),
        encode(MARK_NAME, "é" * 100),
    ],
)
def test_what_has_the_name_alone_is_no_mark(body: bytes) -> None:
    """It goes by the name, so an ingest takes it from no publisher; nobody reads it."""
    message = Message(MessageKind.DATA, 1, 0, body)
    assert is_mark(message)
    with pytest.raises(RtmpError, match=r"a mark|type"):
        parse_mark(message)


def test_a_mark_is_written_in_one_way_alone() -> None:
    """The last character of such a text has bits that stand for nothing."""
    mark = writer().mark(NOW_MS, 0)
    assert mark.body.endswith(b"==")
    last = mark.body[-3:-2]
    for other in b"QRSTUVWXYZabcdef":
        body = mark.body[:-3] + bytes([other]) + b"=="
        if bytes([other]) != last:
            with pytest.raises(RtmpError, match="not written as marks are"):
                parse_mark(mark._replace(body=body))


def test_only_script_data_is_a_mark() -> None:
    """Whatever the bytes are."""
    mark = signed([sound(1)])[-1]
    assert not is_mark(mark._replace(kind=MessageKind.VIDEO))
    assert not is_mark(METADATA)


@pytest.mark.parametrize(
    ("at", "value", "says"),
    [
        (0, b"\x02", "version 2"),
        (45, b"\x22", "34 stamps"),
        (46, b"\x02\x01", "513 stamps"),
        (46, b"\x00\x02", "2 stamps"),
        (46, b"\x00\x00", "more or less"),
        (48, b"\x14", "type 20"),
    ],
)
def test_a_payload_that_cannot_be_is_refused(at: int, value: bytes, says: str) -> None:
    """Another version, counts beyond the bounds or the bytes, and messages that hold no media."""
    whole = parse_mark(signed([sound(1)])[-1])
    payload = whole.payload[:at] + value + whole.payload[at + len(value) :]
    with pytest.raises(RtmpError, match=says):
        parse_mark(mark_message(payload, whole.signature, 0))
    with pytest.raises(RtmpError, match="ends in its head"):
        parse_mark(mark_message(payload[:44], bytes(SIGNATURE_BYTES), 0))
