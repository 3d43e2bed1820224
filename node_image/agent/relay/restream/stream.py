"""One live stream: what newcomers need, and one buffer for all who watch."""

from dataclasses import dataclass, field

from agent.relay.restream.viewer import Viewer, queue_bound
from rtmp.clock import difference_ms
from rtmp.errors import RtmpError
from rtmp.flv import Payload, PayloadKind, payload_of
from rtmp.media import data_name, fan_out_bytes
from rtmp.messages import Message, MessageKind
from rtmp.server import CHUNK_BYTES, STREAM_ID

GOP_BYTES_MAX = 8_000_000
GOP_MS_MAX = 20_000
"""Pictures from one key frame on; a longer or larger one is not kept, and newcomers wait."""
HEADERS_MAX = 32
"""Tracks and what describes them: a publisher could go on inventing tracks."""
RATE_S = 5.0
"""The byte rate is a mean over about so long."""
_KEPT = (PayloadKind.HEADER, PayloadKind.METADATA)
_HeaderKey = tuple[int, PayloadKind, tuple[int, ...]]


@dataclass(slots=True)
class Gop:
    """The pictures and sounds since the last key frame, as they are sent."""

    first_ms: int
    parts: list[bytes] = field(default_factory=list)
    size: int = 0


class LiveStream:
    """Takes messages one by one, and sends them to all viewers in batches."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.viewers: set[Viewer] = set()
        self.bytes_in = self.bytes_out = 0
        self.codecs: dict[tuple[int, int], str] = {}
        """By kind of message and track."""
        self.key_interval_ms: int | None = None
        self.media_s: float | None = None
        """When media last came."""
        self._metadata: Message | None = None
        self._headers: dict[_HeaderKey, Message] = {}
        self._gop: Gop | None = None
        self._last_key_ms: int | None = None
        self._last_ms = 0
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        self._key_at: int | None = None
        self._bytes_per_s = 0.0
        self._rated_s: float | None = None
        self._rated_bytes = 0

    @property
    def metadata(self) -> Message | None:
        """What the publisher said of itself last (`onMetaData`)."""
        return self._metadata

    @property
    def gop_bytes(self) -> int:
        """What is kept for newcomers."""
        return self._gop.size if self._gop else 0

    def forget(self) -> None:
        """Another publisher begins: nothing of the last one's goes to newcomers."""
        self._metadata, self._gop, self._last_key_ms = None, None, None
        self._headers.clear()
        self.codecs.clear()

    def offer(self, message: Message, now_s: float) -> None:
        """Take one message of the source. Raises RtmpError for media that cannot be right."""
        self.bytes_in += len(message.body)
        if message.kind == MessageKind.DATA and data_name(message) == "onMetaData":
            # Dated otherwise, ffmpeg takes it for a subtitle.
            message = self._metadata = message._replace(timestamp_ms=0)
        data = fan_out_bytes(message, STREAM_ID, CHUNK_BYTES)
        payload = payload_of(message)
        if message.kind != MessageKind.DATA:
            self.media_s = now_s
            self._last_ms = message.timestamp_ms
        if payload is not None:
            self._learn(message, payload)
        if self._gop is not None and not self._is_kept(message, payload):
            self._add_to_gop(data, message)
        self._batch.append(data)
        self._batch_bytes += len(data)

    def join(self, viewer: Viewer) -> None:
        """A viewer comes: it gets headers and the pictures since the last key frame at once."""
        parts = self._gop.parts if self._gop else []
        viewer.begin(self._preamble() + b"".join(parts))
        # What waits for the next flush is in there already, unless nothing is kept.
        viewer.is_new = bool(parts)
        self.bytes_out += viewer.sent_bytes
        self.viewers.add(viewer)

    def leave(self, viewer: Viewer) -> None:
        """It is gone."""
        self.viewers.discard(viewer)

    def flush(self, now_s: float) -> None:
        """Send what came since the last time to everybody."""
        if not self._batch:
            return
        batch, key_at = b"".join(self._batch), self._key_at
        self._batch, self._batch_bytes, self._key_at = [], 0, None
        if not any(kind == MessageKind.VIDEO for kind, _ in self.codecs):
            key_at = 0  # sound can be heard from anywhere
        bound = queue_bound(self._rate(len(batch), now_s))
        for viewer in self.viewers:
            if viewer.is_new:
                viewer.is_new = False
            else:
                self.bytes_out += viewer.send(batch, key_at, bound, now_s)

    def lost_viewers(self, now_s: float) -> list[Viewer]:
        """Those who read too slowly for too long."""
        return [viewer for viewer in self.viewers if viewer.is_lost(now_s)]

    def _learn(self, message: Message, payload: Payload) -> None:
        """What the message says of its track, and whether a picture begins."""
        for track in payload.tracks:
            if payload.codec:
                self.codecs[message.kind, track] = payload.codec
        if payload.kind in _KEPT:
            self._headers[message.kind, payload.kind, payload.tracks] = message
            if len(self._headers) > HEADERS_MAX:
                raise RtmpError(f"more than {HEADERS_MAX} codec headers")
        elif payload.is_key and message.kind == MessageKind.VIDEO:
            if self._last_key_ms is not None:
                self.key_interval_ms = difference_ms(message.timestamp_ms, self._last_key_ms)
            self._last_key_ms = message.timestamp_ms
            self._gop = Gop(message.timestamp_ms)
            if self._key_at is None:
                self._key_at = self._batch_bytes

    def _is_kept(self, message: Message, payload: Payload | None) -> bool:
        """Whether newcomers get it in front of the pictures."""
        if message.kind == MessageKind.DATA:
            return message is self._metadata
        return payload is not None and payload.kind in _KEPT

    def _add_to_gop(self, data: bytes, message: Message) -> None:
        gop = self._gop
        if gop is None:
            return
        gop.parts.append(data)
        gop.size += len(data)
        age_ms = difference_ms(message.timestamp_ms, gop.first_ms)
        if gop.size > GOP_BYTES_MAX or age_ms > GOP_MS_MAX:
            self._gop = None

    def _preamble(self) -> bytes:
        """Metadata and headers, dated like the first picture: a decoder's clock begins there."""
        first_ms = self._gop.first_ms if self._gop else self._last_ms
        dated = [self._metadata] if self._metadata else []
        dated += [kept._replace(timestamp_ms=first_ms) for kept in self._headers.values()]
        return b"".join(fan_out_bytes(message, STREAM_ID, CHUNK_BYTES) for message in dated)

    def _rate(self, size: int, now_s: float) -> float:
        """Bytes a second, as a mean over RATE_S."""
        if self._rated_s is None:
            self._rated_s = now_s
        self._rated_bytes += size
        passed_s = now_s - self._rated_s
        if passed_s >= RATE_S:
            self._bytes_per_s = self._rated_bytes / passed_s
            self._rated_s, self._rated_bytes = now_s, 0
        return self._bytes_per_s
