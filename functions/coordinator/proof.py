"""Proof of relay: the packets a node serves must be the packets the ingest serves now.

Pure: reference packets + captured packets -> a verdict with its numbers.
"""

from dataclasses import dataclass


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
    """Hex SHA-256 of the payload, as ffmpeg's framehash prints it (a prefix is enough)."""
    is_key: bool = False
    """Keyframe; told by the reference side only, always False in a capture from a node."""
