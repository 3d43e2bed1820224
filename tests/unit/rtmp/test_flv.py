"""What an audio or video message is, by its first bytes: legacy codecs and those by FourCC."""

import pytest

from rtmp.errors import RtmpError
from rtmp.flv import MODIFIERS_MAX, TRACKS_MAX, Payload, PayloadKind, payload_of
from rtmp.messages import Message, MessageKind

HEADER, FRAMES, END = PayloadKind.HEADER, PayloadKind.FRAMES, PayloadKind.END
METADATA, OTHER = PayloadKind.METADATA, PayloadKind.OTHER


def video(body: bytes) -> Payload | None:
    """Of a video message."""
    return payload_of(Message(MessageKind.VIDEO, 1, 0, body))


def audio(body: bytes) -> Payload | None:
    """Of an audio message."""
    return payload_of(Message(MessageKind.AUDIO, 1, 0, body))


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"\x17\x00\x00\x00\x00avcC", Payload(HEADER, "avc1", (0,), is_key=False)),
        (b"\x17\x01\x00\x00\x00key", Payload(FRAMES, "avc1", (0,), is_key=True)),
        (b"\x27\x01\x00\x00\x00inter", Payload(FRAMES, "avc1", (0,), is_key=False)),
        (b"\x17\x02\x00\x00\x00", Payload(END, "avc1", (0,), is_key=False)),
        (b"\x57\x00", Payload(OTHER, "avc1", (0,), is_key=False)),
        (b"\x1c\x00hvcC", Payload(HEADER, "hvc1", (0,), is_key=False)),
        (b"\x12sorenson", Payload(FRAMES, "flv1", (0,), is_key=True)),
        (b"\x22sorenson", Payload(FRAMES, "flv1", (0,), is_key=False)),
        (b"\x14vp6", Payload(FRAMES, "vp6f", (0,), is_key=True)),
        (b"\x1f", Payload(FRAMES, "", (0,), is_key=True)),
    ],
)
def test_legacy_video(body: bytes, payload: Payload) -> None:
    assert video(body) == payload


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"\xaf\x00\x12\x10", Payload(HEADER, "mp4a", (0,), is_key=False)),
        (b"\xaf\x01raw", Payload(FRAMES, "mp4a", (0,), is_key=False)),
        (b"\x2fmp3", Payload(FRAMES, ".mp3", (0,), is_key=False)),
        (b"\xb6speex", Payload(FRAMES, "speex", (0,), is_key=False)),
        (b"\x3fpcm", Payload(FRAMES, "pcm", (0,), is_key=False)),
        (b"\xf0?", Payload(FRAMES, "", (0,), is_key=False)),
    ],
)
def test_legacy_audio(body: bytes, payload: Payload) -> None:
    assert audio(body) == payload


@pytest.mark.parametrize("fourcc", ["avc1", "hvc1", "av01", "vp09", "vp08", "vvc1"])
@pytest.mark.parametrize(
    ("first", "kind", "is_key"),
    [
        (0x90, HEADER, False),
        (0x91, FRAMES, True),
        (0xA1, FRAMES, False),
        (0x93, FRAMES, True),
        (0x92, END, False),
        (0x94, METADATA, False),
        (0xD4, METADATA, False),
    ],
)
def test_video_by_fourcc(fourcc: str, first: int, kind: PayloadKind, is_key: bool) -> None:
    body = bytes([first]) + fourcc.encode() + b"\x00\x00\x00data"
    assert video(body) == Payload(kind, fourcc, (0,), is_key)


@pytest.mark.parametrize("fourcc", ["Opus", "fLaC", "mp4a", ".mp3", "ac-3", "ec-3"])
@pytest.mark.parametrize(
    ("packet", "kind"), [(0, HEADER), (1, FRAMES), (2, END), (4, METADATA), (9, OTHER)]
)
def test_audio_by_fourcc(fourcc: str, packet: int, kind: PayloadKind) -> None:
    body = bytes([0x90 + packet]) + fourcc.encode() + b"data"
    assert audio(body) == Payload(kind, fourcc, (0,), is_key=False)


def test_a_command_frame_names_no_codec() -> None:
    """Its byte is a hint for seeking, and no FourCC follows."""
    assert video(b"\xd1\x00") == Payload(OTHER, "", (0,), is_key=False)


def test_empty_messages_are_silence() -> None:
    assert audio(b"") is None
    assert video(b"") is None
    assert payload_of(Message(MessageKind.DATA, 1, 0, b"\x17\x00")) is None


def sized(track: int, data: bytes) -> bytes:
    """A track of several in one message."""
    return bytes([track]) + len(data).to_bytes(3, "big") + data


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"\x96\x00hvc1\x03hvcC", Payload(HEADER, "hvc1", (3,), is_key=False)),
        (
            b"\x96\x11hvc1" + sized(0, b"one") + sized(2, b"two"),
            Payload(FRAMES, "hvc1", (0, 2), is_key=True),
        ),
        (
            b"\xa6\x21" + b"av01" + sized(1, b"one") + b"vp09" + sized(4, b""),
            Payload(FRAMES, "av01", (1, 4), is_key=False),
        ),
    ],
    ids=["one track", "many of one codec", "many of many codecs"],
)
def test_several_tracks(body: bytes, payload: Payload) -> None:
    assert video(body) == payload


def test_several_tracks_of_sound() -> None:
    body = b"\x95\x10Opus" + sized(0, b"head") + sized(1, b"head")
    assert audio(body) == Payload(HEADER, "Opus", (0, 1), is_key=False)


@pytest.mark.parametrize("size", [1, 3, 255, 256, 300])
def test_modifiers_are_passed(size: int) -> None:
    """A nanosecond offset of a time, for example; 256 and more say their size in two bytes."""
    length = bytes([size - 1]) if size < 256 else b"\xff" + (size - 1).to_bytes(2, "big")
    body = b"\x97" + length + bytes(size) + b"\x01" + b"hvc1data"
    assert video(body) == Payload(FRAMES, "hvc1", (0,), is_key=True)


def test_modifiers_are_a_short_list() -> None:
    one = b"\x00\x00\x07"
    assert video(b"\x97" + one * (MODIFIERS_MAX - 1) + b"\x00\x00\x01hvc1") is not None
    with pytest.raises(RtmpError, match="modifiers"):
        video(b"\x97" + one * MODIFIERS_MAX + b"\x00\x00\x01hvc1")


def test_tracks_are_a_short_list() -> None:
    tracks = [sized(track, b"x") for track in range(TRACKS_MAX + 1)]
    found = video(b"\x96\x11hvc1" + b"".join(tracks[:-1]))
    assert found is not None
    assert found.tracks == tuple(range(TRACKS_MAX))
    with pytest.raises(RtmpError, match="tracks"):
        video(b"\x96\x11hvc1" + b"".join(tracks))


@pytest.mark.parametrize(
    "body",
    [
        b"\x17",
        b"\x90",
        b"\x91hvc",
        b"\x96",
        b"\x96\x00hvc1",
        b"\x96\x11hvc1\x00\x00\x00\x09short",
        b"\x96\x21av01",
        b"\x97",
        b"\x97\xff\x00",
        b"\x97\x05ab",
    ],
)
def test_a_message_that_ends_too_soon_is_refused(body: bytes) -> None:
    with pytest.raises(RtmpError):
        video(body)


def test_a_fourcc_that_is_no_text_is_none() -> None:
    assert video(b"\x91\xff\xfe\xfd\xfc") == Payload(FRAMES, "", (0,), is_key=True)
