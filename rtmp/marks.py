"""Marks: what an ingest says, and signs, of the packets that it has served since its last mark.

A mark is script data (type 18): a name that players ignore, and a text. The text is base64, since
a browser's player reads it as UTF-8, of these fields, numbers big-endian, and of the signature:

    version (1)  nonce (16)  sequence (4)  signed at, Unix ms (8)  digest of the last mark (16)
    count (1)  and so many stamps: metadata and headers in force before the first packet
    count (2)  and so many stamps: the packets since the last mark, in their order
    a stamp: kind of message (1, its first bit: metadata or header)  track (1)  digest (12)

The signature is Ed25519 over `signed_bytes`: it holds for one stream, one key and one time of the
mark's message. Signing and verifying are functions that the caller has.
"""

import base64
import binascii
import hashlib
import struct
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from rtmp.errors import RtmpError
from rtmp.flv import Payload, PayloadKind
from rtmp.media import data_name
from rtmp.messages import Message, MessageKind

MARK_NAME = "onRelayMark"
MARK_EVERY_S = 0.5
"""Of a live stream: what was changed is noticed within a second."""
STAMPS_MAX = 512
"""In one mark; the next one comes at once. 240 pictures and six sounds a second need 261."""
STANDING_MAX = 33
"""Metadata, and the headers that a relay keeps for newcomers."""
KEY_BYTES = 32
SIGNATURE_BYTES = 64
NONCE_BYTES = 16
DIGEST_BYTES = 12
"""Of SHA-256: whoever would change a packet has seconds to meet 96 bits."""
LAST_BYTES = 16

Sign: TypeAlias = Callable[[bytes], bytes]
"""Gives the signature of bytes."""
Verify: TypeAlias = Callable[[bytes, bytes], bool]
"""Whether the first is the signature of the second."""

_VERSION = 1
_DOMAIN = b"restream mark 1\n"
"""Nothing else that this key may ever sign begins so."""
_HEAD = struct.Struct(f">B{NONCE_BYTES}sIQ{LAST_BYTES}sB")
_STAMP = struct.Struct(f">BB{DIGEST_BYTES}s")
_STANDING_BIT = 0x80
_KINDS = frozenset((MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DATA))
_NAME = MARK_NAME.encode()
_BEGINNINGS = (
    b"\x02" + struct.pack(">H", len(_NAME)) + _NAME,
    b"\x0c" + struct.pack(">I", len(_NAME)) + _NAME,
)
"""The name as a string, as it is written, and as a long one: a browser's player reads both."""
_PAYLOAD_BYTES_MAX = _HEAD.size + 2 + _STAMP.size * (STANDING_MAX + STAMPS_MAX)
MARK_BYTES_MAX = len(_BEGINNINGS[0]) + 3 + (_PAYLOAD_BYTES_MAX + SIGNATURE_BYTES + 2) // 3 * 4
"""Of a whole mark's body."""


class Stamp(NamedTuple):
    """What a mark says of one packet."""

    kind: int
    """Of its message: audio, video or script data."""
    track: int
    """The first one in the message; 0 where only one can be."""
    is_standing: bool
    """Metadata or a header: newcomers get it again, dated otherwise."""
    digest: bytes


class StreamMark(NamedTuple):
    """What an ingest signs."""

    nonce: bytes
    """Drawn when the signer began; another one is another beginning."""
    sequence: int
    """Counts marks from 0."""
    signed_at_ms: int
    """By the ingest's clock, in Unix milliseconds: for people, and to order two beginnings."""
    last: bytes
    """The digest of the mark before; zeros in the first."""
    standing: tuple[Stamp, ...]
    """Metadata and headers in force before the first of `stamps`."""
    stamps: tuple[Stamp, ...]
    """The packets since the mark before, in their order."""


class SignedMark(NamedTuple):
    """A mark as it came: nothing of it is true until its signature is verified."""

    mark: StreamMark
    payload: bytes
    signature: bytes


def is_mark(message: Message) -> bool:
    """Whether it goes by a mark's name, however false the rest is."""
    return message.kind == MessageKind.DATA and message.body.startswith(_BEGINNINGS)


def stamp_of(message: Message, payload: Payload | None) -> Stamp:
    """A packet's stamp; `payload` is what `payload_of` says of it.

    Metadata and headers are dated anew for newcomers, so their time is not part of their digest.
    """
    if message.kind == MessageKind.DATA:
        is_standing = data_name(message) == "onMetaData"
    else:
        is_standing = payload is not None and payload.kind in (
            PayloadKind.HEADER,
            PayloadKind.METADATA,
        )
    time_ms = 0 if is_standing else message.timestamp_ms
    hashed = hashlib.sha256(struct.pack(">BI", message.kind, time_ms))
    hashed.update(message.body)
    track = payload.tracks[0] if payload else 0
    return Stamp(message.kind, track, is_standing, hashed.digest()[:DIGEST_BYTES])


def mark_digest(payload: bytes) -> bytes:
    """What the next mark calls this one."""
    return hashlib.sha256(payload).digest()[:LAST_BYTES]


def signed_bytes(stream: str, public_key: bytes, timestamp_ms: int, payload: bytes) -> bytes:
    """What the signature is over: no mark is one of another stream, key or time."""
    name = stream.encode()
    return b"".join(
        (_DOMAIN, struct.pack(">B", len(name)), name, public_key,
         struct.pack(">I", timestamp_ms), payload)
    )  # fmt: skip


def encode_mark(mark: StreamMark) -> bytes:
    """The payload, which is signed."""
    head = _HEAD.pack(
        _VERSION, mark.nonce, mark.sequence, mark.signed_at_ms, mark.last, len(mark.standing)
    )
    count = struct.pack(">H", len(mark.stamps))
    return b"".join(
        (head, *map(_packed, mark.standing), count, *map(_packed, mark.stamps))
    )  # fmt: skip


def mark_message(payload: bytes, signature: bytes, timestamp_ms: int) -> Message:
    """The message to send."""
    text = base64.b64encode(payload + signature)
    body = _BEGINNINGS[0] + struct.pack(">BH", 2, len(text)) + text
    return Message(MessageKind.DATA, 0, timestamp_ms, body)


def parse_mark(message: Message) -> SignedMark:
    """Read a message that `is_mark`. Raises RtmpError for all but what `mark_message` writes."""
    if len(message.body) > MARK_BYTES_MAX:
        raise RtmpError(f"a mark of {len(message.body)} bytes")
    at = len(_BEGINNINGS[0]) + 3
    try:
        data = base64.b64decode(message.body[at:], validate=True)
    except binascii.Error as error:
        raise RtmpError("a mark that is no base64") from error
    payload, signature = data[:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]
    # There are other ways to write the same text; what passes on unchanged has one.
    if mark_message(payload, signature, 0).body != message.body:
        raise RtmpError("a mark that is not written as marks are")
    return SignedMark(_mark(payload), payload, signature)


def _packed(stamp: Stamp) -> bytes:
    first = stamp.kind | (_STANDING_BIT if stamp.is_standing else 0)
    return _STAMP.pack(first, stamp.track, stamp.digest)


def _mark(payload: bytes) -> StreamMark:
    if len(payload) < _HEAD.size:
        raise RtmpError("a mark ends in its head")
    version, nonce, sequence, signed_at_ms, last, count = _HEAD.unpack_from(payload)
    if version != _VERSION:
        raise RtmpError(f"a mark of version {version}")
    standing, at = _stamps(payload, _HEAD.size, count, STANDING_MAX)
    stamps, at = _stamps(payload, at + 2, int.from_bytes(payload[at : at + 2], "big"), STAMPS_MAX)
    if at != len(payload):
        raise RtmpError("a mark with more or less than it says")
    return StreamMark(nonce, sequence, signed_at_ms, last, standing, stamps)


def _stamps(payload: bytes, at: int, count: int, count_max: int) -> tuple[tuple[Stamp, ...], int]:
    """So many stamps, and where they end."""
    end = at + count * _STAMP.size
    if count > count_max or end > len(payload):
        raise RtmpError(f"a mark of {count} stamps")
    return tuple(map(_stamp, _STAMP.iter_unpack(payload[at:end]))), end


def _stamp(fields: tuple[int, int, bytes]) -> Stamp:
    first, track, digest = fields
    kind = first & ~_STANDING_BIT
    if kind not in _KINDS:
        raise RtmpError(f"a mark of a message of type {kind}")
    return Stamp(kind, track, bool(first & _STANDING_BIT), digest)
