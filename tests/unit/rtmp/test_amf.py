"""AMF 0: what is written is read again, and no claim or depth of the input costs anything."""

import struct
import tracemalloc

import pytest

from rtmp import amf
from rtmp.errors import RtmpError

NESTED = b"\x03\x00\x01a"


def test_values_are_written_as_the_specification_shows_them() -> None:
    """Number, boolean, string, object, null and strict array."""
    assert amf.encode(2.0) == b"\x00" + struct.pack(">d", 2)
    assert amf.encode(True, None) == b"\x01\x01\x05"
    assert amf.encode("é") == b"\x02\x00\x02\xc3\xa9"
    assert amf.encode({"a": "b"}) == b"\x03\x00\x01a\x02\x00\x01b\x00\x00\x09"
    assert amf.encode([None, False]) == b"\x0a\x00\x00\x00\x02\x05\x01\x00"
    assert amf.encode("x" * 65_537) == b"\x0c\x00\x01\x00\x01" + b"x" * 65_537


def test_what_is_written_is_read_again() -> None:
    """Whole numbers come back as doubles; the order of keys and values is kept."""
    said: list[amf.Value] = ["connect", 1, {"app": "live", "inner": {"list": [1, [], {}]}}, None]
    assert amf.decode(amf.encode(*said)) == said


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"\x06", None),
        (b"\x08\xff\xff\xff\xff\x00\x01a\x05\x00\x00\x09", {"a": None}),
        (b"\x0b" + struct.pack(">d", 7) + b"\x00\x3c", 7.0),
        (b"\x02\x00\x01\xff", "\ufffd"),
        (b"\x03\x00\x00\x05\x00\x00\x09", {"": None}),
        (b"\x0a\x00\x00\x00\x00", []),
        (b"\x03\x00\x01a\x05\x00\x01a\x01\x01\x00\x00\x09", {"a": True}),
    ],
)
def test_what_others_write_is_read(body: bytes, value: amf.Value) -> None:
    """Undefined, an array with a false count, a date, a text that is no UTF-8, a key said twice."""
    assert amf.decode(body) == [value]


def test_values_go_down_to_the_depth_and_no_deeper() -> None:
    """Without a stack of calls: 38,000 nested objects end nginx-rtmp."""
    whole = NESTED * (amf.DEPTH_MAX - 1) + b"\x03\x00\x00\x09" + b"\x00\x00\x09" * 7
    assert amf.decode(whole)
    one_more = NESTED + whole + b"\x00\x00\x09"
    for body in (one_more, NESTED * 38_000, b"\x0a\x00\x00\x00\x01" * 38_000):
        with pytest.raises(RtmpError, match="deeper than 8"):
            amf.decode(body)


def test_values_are_counted() -> None:
    """One more than the limit is refused."""
    assert len(amf.decode(b"\x05" * amf.VALUES_MAX)) == amf.VALUES_MAX
    with pytest.raises(RtmpError, match="more than 4096 values"):
        amf.decode(b"\x05" * (amf.VALUES_MAX + 1))


def test_an_array_s_count_is_only_a_claim() -> None:
    """Nothing is allocated by it."""
    tracemalloc.start()
    try:
        with pytest.raises(RtmpError, match="ends in mid-value"):
            amf.decode(b"\x0a\xff\xff\xff\xff\x05")
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "body",
    [
        b"\x00\x00",
        b"\x01",
        b"\x02\x00\x05abc",
        b"\x03\x00\x01a",
        b"\x0c\xff\xff\xff\xff",
        b"\x0b\x00",
    ],
)
def test_a_value_that_is_cut_off_is_refused(body: bytes) -> None:
    """Wherever it ends."""
    with pytest.raises(RtmpError, match="ends in mid-value"):
        amf.decode(body)


@pytest.mark.parametrize("marker", [4, 7, 9, 13, 14, 15, 16, 17, 255])
def test_a_marker_that_is_not_known_is_refused(marker: int) -> None:
    """Movie clips, references, typed objects, AMF 3: no player and no publisher needs them."""
    with pytest.raises(RtmpError, match=f"marker {marker} "):
        amf.decode(bytes([marker]))


def test_a_key_that_does_not_fit_is_not_written() -> None:
    """A value may be long, a key may not."""
    with pytest.raises(RtmpError, match="key has 65536 bytes"):
        amf.encode({"k" * 65_536: None})
