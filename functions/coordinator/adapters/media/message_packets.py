"""A message of media as the packets that it brings, one for each of its tracks."""

from collections.abc import Mapping
from hashlib import sha256

from coordinator.proof.captures import DATA_BYTES_MAX
from coordinator.proof.packets import MediaKind, Packet, Part
from rtmp.errors import RtmpError
from rtmp.flv import Payload, PayloadKind
from rtmp.media import data_name
from rtmp.messages import Message, MessageKind
from rtmp.track_data import TrackData, tracks_in

DIGEST_CHARACTERS = 32
"""128 bits: nobody finds a second payload for a given one."""
_PARTS = {PayloadKind.FRAMES: Part.FRAMES, PayloadKind.HEADER: Part.HEADER}
_MEDIA: Mapping[int, MediaKind] = {
    MessageKind.VIDEO: MediaKind.VIDEO,
    MessageKind.AUDIO: MediaKind.AUDIO,
}


def packets_of(message: Message, arrived_s: float, connection: int = 0) -> list[Packet]:
    """Of audio, video or script data. What is no media inside is one packet of no part."""
    if message.kind == MessageKind.DATA:
        return [_data(message, arrived_s, connection)]
    media = _MEDIA[message.kind]
    payload: Payload | None = None
    try:
        payload, tracks = tracks_in(message)
    except RtmpError:
        tracks = ()
    if payload is None or not tracks:
        return [_packet(message, arrived_s, connection, media, TrackData(0, "", message.body))]
    part = _PARTS.get(payload.kind, Part.OTHER)
    is_key = payload.is_key and media is MediaKind.VIDEO
    return [_packet(message, arrived_s, connection, media, track, part, is_key) for track in tracks]


def digest_of(data: bytes) -> str:
    """What packets are compared by."""
    return sha256(data).hexdigest()[:DIGEST_CHARACTERS]


def _packet(  # noqa: PLR0913, PLR0917 - once for each packet of each stream: no detours
    message: Message,
    arrived_s: float,
    connection: int,
    media: MediaKind,
    track: TrackData,
    part: Part = Part.OTHER,
    is_key: bool = False,
) -> Packet:
    return Packet(
        arrived_s,
        media,
        message.timestamp_ms,
        len(track.data),
        digest_of(track.data),
        is_key,
        connection,
        track.track,
        track.codec,
        part,
    )


def _data(message: Message, arrived_s: float, connection: int) -> Packet:
    body = message.body
    return Packet(
        arrived_s,
        MediaKind.DATA,
        message.timestamp_ms,
        len(body),
        digest_of(body),
        connection=connection,
        codec=data_name(message),
        part=Part.OTHER,
        body=body[:DATA_BYTES_MAX],
    )
