"""What an audio or video message is, by its first bytes; the pictures and sounds stay unread.

Legacy codecs: "Adobe Flash Video File Format", version 10.1, annex E.4. Codecs by FourCC, several
tracks and modifiers: veovera's "Enhanced RTMP", version 2 (sections are its). A relay has to know
three things: what newcomers need first, where a picture begins, and how to name the codec.
"""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from rtmp.errors import RtmpError
from rtmp.messages import Message, MessageKind

MODIFIERS_MAX = 8
"""ModEx packets are a list: none that is known needs two."""
TRACKS_MAX = 16
"""In one message; OBS sends six sounds."""
_VIDEO_LEGACY = {2: "flv1", 3: "screen", 4: "vp6f", 5: "vp6a", 6: "screen2", 7: "avc1", 12: "hvc1"}
_AUDIO_LEGACY = {
    **dict.fromkeys((0, 3), "pcm"),
    1: "adpcm",
    **dict.fromkeys((2, 14), ".mp3"),
    **dict.fromkeys((4, 5, 6), "nellymoser"),
    **dict.fromkeys((7, 8), "g711"),
    10: "mp4a",
    11: "speex",
}
_ENHANCED_AUDIO = 9
_WITH_HEADER = frozenset(("avc1", "hvc1", "mp4a"))
"""Of the legacy codecs: the second byte says whether it is a header."""
_LEGACY_BYTES = 2
"""What a legacy message tells of itself in."""
_COMMAND_FRAME = 5
"""Video frame type 5: a hint for a player's seeking, and no picture."""
ONE_TRACK, MANY_CODECS = 0, 2
"""How a message of several tracks says so: one after all, or each with a codec of its own."""
_MULTITRACK = {MessageKind.VIDEO: 6, MessageKind.AUDIO: 5}
_MODIFIER = 7


class PayloadKind(StrEnum):
    """What a message brings to its track."""

    HEADER = "header"
    """What a decoder needs first; a new one replaces the old."""
    FRAMES = "frames"
    END = "end"
    METADATA = "metadata"
    """Colours of a video, channels of a sound: like a header, for newcomers too."""
    OTHER = "other"


class Payload(NamedTuple):
    """What one audio or video message is."""

    kind: PayloadKind
    codec: str
    """A FourCC like `avc1` or `Opus`, or a word for older codecs; empty where it is not told."""
    tracks: tuple[int, ...]
    """The track ids; (0,) where only one track can be."""
    is_key: bool
    """Whether a picture begins here that needs none before it."""


def payload_of(message: Message) -> Payload | None:
    """None for what holds no media: an empty message is silence. Raises RtmpError."""
    body = message.body
    if message.kind not in _MULTITRACK or not body:
        return None
    if message.kind == MessageKind.VIDEO and body[0] & 0x80:
        return _enhanced(message.kind, (body[0] >> 4) & 7, body)
    if message.kind == MessageKind.AUDIO and body[0] >> 4 == _ENHANCED_AUDIO:
        return _enhanced(message.kind, 0, body)
    return _legacy(message.kind, body[:_LEGACY_BYTES])


@lru_cache(maxsize=1024)
def _legacy(kind: int, body: bytes) -> Payload:
    """By the first bytes: a stream has few of them, and every packet of each asks."""
    if kind == MessageKind.VIDEO:
        codec, frame = _VIDEO_LEGACY.get(body[0] & 15, ""), body[0] >> 4
    else:
        codec, frame = _AUDIO_LEGACY.get(body[0] >> 4, ""), 0
    packet = 1
    if codec in _WITH_HEADER:
        if len(body) < 2:
            raise RtmpError("a message of media ends in mid-header")
        packet = body[1]
    if frame == _COMMAND_FRAME:
        packet = _MODIFIER
    return Payload(_kind(kind, packet), codec, (0,), packet == 1 and frame == 1)


def _enhanced(kind: int, frame: int, body: bytes) -> Payload:
    head = enhanced_head(kind, body)
    if frame == _COMMAND_FRAME and head.packet != 4:
        return Payload(PayloadKind.OTHER, "", (0,), is_key=False)
    codec = head.codec
    tracks: tuple[int, ...] = (0,)
    if head.several is not None:
        tracks = _tracks(body, head.at, head.several)
        codec = codec or _four(body, head.at)
    return Payload(_kind(kind, head.packet), codec, tracks, _is_frames(head.packet) and frame == 1)


class EnhancedHead(NamedTuple):
    """What stands before the data of an enhanced message."""

    packet: int
    several: int | None
    """How its tracks are told apart; None where it says nothing of tracks."""
    codec: str
    """Empty where each track has its own."""
    at: int
    """Where the data begins, or the list of the tracks."""


def enhanced_head(kind: int, body: bytes) -> EnhancedHead:
    """Sections "Enhanced Video" and "Enhanced Audio" (ExVideoTagHeader, ExAudioTagHeader).

    Raises RtmpError.
    """
    packet, at = body[0] & 15, 1
    for _ in range(MODIFIERS_MAX + 1):
        if packet != _MODIFIER:
            break
        packet, at = _past_modifier(body, at)
    else:
        raise RtmpError(f"more than {MODIFIERS_MAX} modifiers before media")
    is_hint = kind == MessageKind.VIDEO and (body[0] >> 4) & 7 == _COMMAND_FRAME and packet != 4
    if is_hint:
        return EnhancedHead(packet, None, "", at)
    if packet != _MULTITRACK[MessageKind(kind)]:
        return EnhancedHead(packet, None, _four(body, at), at + 4)
    several = _byte(body, at) >> 4
    packet, at = body[at] & 15, at + 1
    if several == MANY_CODECS:
        return EnhancedHead(packet, several, "", at)
    return EnhancedHead(packet, several, _four(body, at), at + 4)


def _past_modifier(body: bytes, at: int) -> tuple[int, int]:
    """The packet type behind a modifier, and where it goes on (section "ModEx")."""
    size, at = _byte(body, at) + 1, at + 1
    if size == 256:
        size, at = (_byte(body, at) << 8 | _byte(body, at + 1)) + 1, at + 2
    at += size
    return _byte(body, at) & 15, at + 1


def _tracks(body: bytes, at: int, several: int) -> tuple[int, ...]:
    """The ids of all tracks in a message (section "Multitrack")."""
    found: list[int] = []
    while at < len(body) or not found:
        if len(found) >= TRACKS_MAX:
            raise RtmpError(f"more than {TRACKS_MAX} tracks in one message")
        at += 4 if several == MANY_CODECS else 0
        found.append(_byte(body, at))
        if several == ONE_TRACK:
            break
        at += 4 + int.from_bytes(body[at + 1 : at + 4], "big")
    if at > len(body):
        raise RtmpError("a track ends behind its message")
    return tuple(found)


def _kind(kind: int, packet: int) -> PayloadKind:
    if packet == 0:
        return PayloadKind.HEADER
    if _is_frames(packet):
        return PayloadKind.FRAMES
    if packet == 2:
        return PayloadKind.END
    return PayloadKind.METADATA if packet == 4 else PayloadKind.OTHER


def _is_frames(packet: int) -> bool:
    """Types 1 and 3 are frames, with and without a composition time."""
    return packet in (1, 3)


def _four(body: bytes, at: int) -> str:
    code = body[at : at + 4]
    if len(code) < 4:
        raise RtmpError("a message of media ends in mid-header")
    return code.decode("ascii", errors="replace") if code.isascii() else ""


def _byte(body: bytes, at: int) -> int:
    if at >= len(body):
        raise RtmpError("a message of media ends in mid-header")
    return body[at]
