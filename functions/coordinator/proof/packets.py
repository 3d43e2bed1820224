"""Packets as they come off an RTMP connection: whose they are, when they came, their hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

DTS_MODULUS_MS = 1 << 32
"""RTMP timestamps are 32-bit milliseconds and wrap after 49.7 days."""


class MediaKind(StrEnum):
    """What a packet carries."""

    VIDEO = "video"
    AUDIO = "audio"
    DATA = "data"
    """Script data: metadata, and the ingest's marks."""


class Part(StrEnum):
    """What a packet brings to its track."""

    FRAMES = "frames"
    HEADER = "header"
    """What a decoder needs first; a server may send it again to everybody who comes."""
    OTHER = "other"
    """Metadata, ends of a sequence, empty messages and what nobody knows: it proves nothing."""


@dataclass(slots=True)
class Packet:
    """One packet of one track as it came off an RTMP connection.

    Nobody changes one. It is not frozen all the same: that would make each take seven times as
    long to make, and every packet of every stream and check is one."""

    arrived_s: float
    """When its last byte was read, in Unix seconds."""
    media: MediaKind
    dts_ms: int
    size: int
    """Payload bytes: what a decoder gets, without the tag's header that names the codec."""
    digest: str
    """The first 32 hex digits of the payload's SHA-256: every reader gives the same."""
    is_key: bool = False
    """Keyframe; told by the reference side only, meaningless in a capture from a node."""
    connection: int = 0
    """Which of the reader's connections it came over; a change means that packets were missed."""
    track: int = 0
    """The track's number among those of its media: enhanced RTMP has several."""
    codec: str = ""
    """A FourCC like `avc1`, or the name of script data like `onMetaData`; empty if not told."""
    part: Part = Part.FRAMES
    body: bytes = b""
    """Of script data alone: the whole message, at most `captures.DATA_BYTES_MAX` of it."""

    @property
    def is_video(self) -> bool:
        """True for the picture."""
        return self.media is MediaKind.VIDEO


def dts_difference_ms(later_ms: int, earlier_ms: int) -> int:
    """`later - earlier` on the 32-bit circle, in [-2^31, 2^31): right across a wrap."""
    half = DTS_MODULUS_MS // 2
    return (later_ms - earlier_ms + half) % DTS_MODULUS_MS - half


def median(values: Sequence[float]) -> float:
    """The upper median of a sequence that is not empty."""
    return sorted(values)[len(values) // 2]
