"""What a decoder gets of an audio or video message, track by track.

Whatever stands before it (codec, packet type, composition time) may be written in several ways. So
two relays that write it differently serve the same data, and so does every reader.
"""

from collections.abc import Iterator
from typing import NamedTuple

from rtmp.errors import RtmpError
from rtmp.flv import MANY_CODECS, ONE_TRACK, Payload, PayloadKind, enhanced_head, payload_of
from rtmp.messages import Message, MessageKind

_TIMED = frozenset(("avc1", "hvc1", "vvc1"))
"""Pictures of these may be shown in another order: before their data stands how much later."""
_TIME_BYTES = 3
_TIMED_FRAMES = 1
"""The packet type of frames with a composition time; type 3 are those without."""


class TrackData(NamedTuple):
    """One track's part of a message."""

    track: int
    codec: str
    data: bytes


def tracks_in(message: Message) -> tuple[Payload | None, tuple[TrackData, ...]]:
    """What a message is, and its data by tracks; (None, ()) for silence. Raises RtmpError."""
    payload, body = payload_of(message), message.body
    if payload is None:
        return None, ()
    is_video = message.kind == MessageKind.VIDEO
    if body[0] & 0x80 if is_video else body[0] >> 4 == 9:
        return payload, tuple(_enhanced(message, payload))
    if is_video:
        at = 2 + _TIME_BYTES if payload.codec in _TIMED else 1
    else:
        at = 2 if payload.codec == "mp4a" else 1
    return payload, (TrackData(0, payload.codec, body[at:]),)


def _enhanced(message: Message, payload: Payload) -> Iterator[TrackData]:
    body, head = message.body, enhanced_head(message.kind, message.body)
    is_timed = (
        message.kind == MessageKind.VIDEO
        and payload.kind is PayloadKind.FRAMES
        and head.packet == _TIMED_FRAMES
    )
    if head.several is None:
        skipped = _TIME_BYTES if is_timed and head.codec in _TIMED else 0
        yield TrackData(0, head.codec, body[head.at + skipped :])
        return
    at = head.at
    for track in payload.tracks:
        codec = head.codec
        if head.several == MANY_CODECS:
            codec, at = body[at : at + 4].decode("ascii", errors="replace"), at + 4
        end, at = len(body), at + 1
        if head.several != ONE_TRACK:
            end, at = at + 3 + int.from_bytes(body[at : at + 3], "big"), at + 3
        if end > len(body):
            raise RtmpError("a track ends behind its message")
        skipped = _TIME_BYTES if is_timed and codec in _TIMED else 0
        yield TrackData(track, codec, body[at + skipped : end])
        at = end
