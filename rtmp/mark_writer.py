"""The ingest's side of marks: collects what it serves, and signs it."""

from rtmp.errors import RtmpError
from rtmp.flv import Payload, PayloadKind
from rtmp.marks import (
    LAST_BYTES,
    STAMPS_MAX,
    STANDING_MAX,
    Sign,
    Stamp,
    StreamMark,
    encode_mark,
    mark_digest,
    mark_message,
    signed_bytes,
    stamp_of,
)
from rtmp.messages import Message

_StandingKey = tuple[int, PayloadKind | None, tuple[int, ...]]


class MarkWriter:
    """Signs one stream. Every packet goes through `add`, in the order in which it is served."""

    def __init__(self, stream: str, public_key: bytes, nonce: bytes, sign: Sign) -> None:
        """`nonce` is random, and new for each writer."""
        self._stream, self._public_key, self._sign = stream, public_key, sign
        self._nonce = nonce
        self._sequence = 0
        self._last = bytes(LAST_BYTES)
        self._standing: dict[_StandingKey, Stamp] = {}
        self._standing_before: tuple[Stamp, ...] = ()
        self._stamps: list[Stamp] = []

    @property
    def has_unsigned(self) -> bool:
        """Whether packets came since the last mark."""
        return bool(self._stamps)

    @property
    def is_full(self) -> bool:
        """Whether the mark has to come before the next packet."""
        return len(self._stamps) >= STAMPS_MAX

    def add(self, message: Message, payload: Payload | None) -> None:
        """Take a packet as it is served. Raises RtmpError for more headers than a mark holds."""
        if self.is_full:
            raise ValueError("the mark has to come first")
        stamp = stamp_of(message, payload)
        self._stamps.append(stamp)
        if stamp.is_standing:
            key = (message.kind, payload.kind, payload.tracks) if payload else (18, None, ())
            self._standing[key] = stamp
            if len(self._standing) > STANDING_MAX:
                raise RtmpError(f"more than {STANDING_MAX} headers")

    def forget(self) -> None:
        """Another publisher begins: nothing of the last one's stays in force."""
        self._standing.clear()

    def mark(self, now_ms: int, timestamp_ms: int) -> Message:
        """The mark of all packets since the last one. `now_ms` is Unix time."""
        mark = StreamMark(
            self._nonce, self._sequence, now_ms, self._last,
            self._standing_before, tuple(self._stamps),
        )  # fmt: skip
        payload = encode_mark(mark)
        said = signed_bytes(self._stream, self._public_key, timestamp_ms, payload)
        self._sequence += 1
        self._last = mark_digest(payload)
        self._standing_before = tuple(self._standing.values())
        self._stamps.clear()
        return mark_message(payload, self._sign(said), timestamp_ms)
