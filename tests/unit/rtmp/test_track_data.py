"""What a decoder gets of a message: the same, however the ways before it are written."""

import pytest

from rtmp.errors import RtmpError
from rtmp.flv import PayloadKind
from rtmp.messages import Message, MessageKind
from rtmp.track_data import TrackData, tracks_in

DATA = b"\x00\x01\x02\x03\x05\x07"


def video(body: bytes) -> tuple[TrackData, ...]:
    """Of a video message."""
    return tracks_in(Message(MessageKind.VIDEO, 1, 0, body))[1]


def audio(body: bytes) -> tuple[TrackData, ...]:
    """Of an audio message."""
    return tracks_in(Message(MessageKind.AUDIO, 1, 0, body))[1]


@pytest.mark.parametrize(
    ("head", "codec"),
    [
        (b"\x17\x01\x00\x00\x28", "avc1"),
        (b"\x17\x00\x00\x00\x00", "avc1"),
        (b"\x1c\x01\x00\x00\x28", "hvc1"),
        (b"\x12", "flv1"),
        (b"\x91avc1\x00\x00\x28", "avc1"),
        (b"\x93avc1", "avc1"),
        (b"\x90avc1", "avc1"),
        (b"\x91hvc1\x00\x00\x28", "hvc1"),
        (b"\x91av01", "av01"),
        (b"\x91vp09", "vp09"),
        (b"\x97\x00\x00\x01avc1\x00\x00\x28", "avc1"),
        (b"\x97\x02\x01\x02\x03\x03avc1", "avc1"),
    ],
)
def test_a_picture_is_the_same_however_it_is_announced(head: bytes, codec: str) -> None:
    """As H.264 of old, by FourCC, with and without a composition time, behind modifiers."""
    assert video(head + DATA) == (TrackData(0, codec, DATA),)


@pytest.mark.parametrize(
    ("head", "codec"),
    [
        (b"\xaf\x01", "mp4a"),
        (b"\xaf\x00", "mp4a"),
        (b"\x2f", ".mp3"),
        (b"\x91mp4a", "mp4a"),
        (b"\x91Opus", "Opus"),
        (b"\x90fLaC", "fLaC"),
    ],
)
def test_a_sound_is_the_same_however_it_is_announced(head: bytes, codec: str) -> None:
    assert audio(head + DATA) == (TrackData(0, codec, DATA),)


def test_each_track_has_its_own_data() -> None:
    """One after all, several of one codec, and each of its own."""
    assert video(b"\x96\x03avc1\x05" + DATA) == (TrackData(5, "avc1", DATA),)
    assert video(b"\x96\x01avc1\x05\x00\x00\x28" + DATA) == (TrackData(5, "avc1", DATA),)
    two = b"\x02\x00\x00\x03abc" + b"\x03\x00\x00\x02de"
    assert audio(b"\x95\x11Opus" + two) == (
        TrackData(2, "Opus", b"abc"),
        TrackData(3, "Opus", b"de"),
    )
    mixed = b"avc1\x02\x00\x00\x05\x00\x00\x28ab" + b"av01\x03\x00\x00\x02de"
    assert video(b"\x96\x21" + mixed) == (
        TrackData(2, "avc1", b"ab"),
        TrackData(3, "av01", b"de"),
    )


def test_silence_has_no_tracks() -> None:
    assert tracks_in(Message(MessageKind.AUDIO, 1, 0, b"")) == (None, ())


def test_a_hint_for_seeking_is_no_picture() -> None:
    payload, _ = tracks_in(Message(MessageKind.VIDEO, 1, 0, b"\xd1\x00"))
    assert payload is not None
    assert payload.kind is PayloadKind.OTHER


@pytest.mark.parametrize(
    "body", [b"\x96\x11avc1\x00\xff\xff\xff", b"\x96\x11avc1", b"\x91av", b"\x97\xff\xff\xff"]
)
def test_what_ends_in_its_head_is_refused(body: bytes) -> None:
    with pytest.raises(RtmpError):
        video(body)
