"""Audio and video packets as they come off an RTMP connection, and what one check captured."""

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.reasons import Reason

DTS_MODULUS_MS = 1 << 32
"""RTMP timestamps are 32-bit milliseconds and wrap after 49.7 days."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One compressed audio or video packet as it came off an RTMP connection."""

    arrived_s: float
    """Unix seconds at which our process read it."""
    is_video: bool
    dts_ms: int
    size: int
    """Payload bytes."""
    digest: str
    """Hex SHA-256 of the payload, or a prefix of it of one length everywhere."""
    is_key: bool = False
    """Keyframe; told by the reference side only, meaningless in a capture from a node."""
    connection: int = 0
    """Which of the reader's connections it came over; a change means that packets were missed."""


@dataclass(frozen=True, slots=True)
class Capture:
    """Everything that one connection to a node yielded."""

    started_s: float
    """Unix seconds at which the connection was begun."""
    ended_s: float
    """Unix seconds at which the capture was due to end. A node that hangs up earlier is judged
    to the same instant: hanging up must not shorten what it has to deliver."""
    packets: tuple[Packet, ...] = ()
    failure: Reason | None = None
    """Why there are no packets (`UNREACHABLE`, `NO_STREAM`) or no capture (`UNKNOWN_…`)."""
    cpu_s: float = 0.0
    """CPU seconds, user and system, that the capturing process used."""
    bytes_received: int = 0
    """Payload bytes of the packets."""


def dts_difference_ms(later_ms: int, earlier_ms: int) -> int:
    """`later - earlier` on the 32-bit circle, in [-2^31, 2^31): right across a wrap."""
    half = DTS_MODULUS_MS // 2
    return (later_ms - earlier_ms + half) % DTS_MODULUS_MS - half


def median(values: Sequence[float]) -> float:
    """The upper median of a sequence that is not empty."""
    return sorted(values)[len(values) // 2]
