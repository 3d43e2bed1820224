"""One live stream: what newcomers need, and one buffer for all who watch."""

from dataclasses import dataclass, field

from agent.relay.restream.viewer import Batch, Viewer, queue_bound
from rtmp.chunks import whole_chunks
from rtmp.clock import difference_ms
from rtmp.errors import RtmpError
from rtmp.flv import Payload, PayloadKind, payload_of
from rtmp.media import data_name, fan_out_bytes
from rtmp.messages import Message, MessageKind, UserControl, user_control
from rtmp.server import CHUNK_BYTES
from rtmp.server_messages import STREAM_ID

GOP_BYTES_MAX = 8_000_000
GOP_MS_MAX = 20_000
"""Pictures from one key frame on; a longer or larger one is not kept, and newcomers wait."""
LATE_KEY_MS = 10_000
"""From then on the time since the only key frame is told as an interval: the second is late."""
STALE_S = 5.0
"""Pictures that lie so long are no live stream: newcomers wait for the next."""
SILENT_S = 2.0
"""From then on viewers are pinged: a node tells a publisher's pause from a frozen ingest."""
HEADERS_MAX = 32
"""Tracks and what describes them: a publisher could go on inventing tracks."""
RATE_S = 5.0
"""The byte rate is a mean over about so long."""
_PING = whole_chunks(2, user_control(UserControl.PING_REQUEST, bytes(4)), CHUNK_BYTES)
_KEPT = (PayloadKind.HEADER, PayloadKind.METADATA)
_HeaderKey = tuple[int, PayloadKind, tuple[int, ...]]


@dataclass(slots=True)
class Gop:
    """The pictures and sounds since the last key frame, as they are sent."""

    first_ms: int
    parts: list[bytes] = field(default_factory=list)
    size: int = 0


class Rate:
    """Bytes a second, as a mean over RATE_S."""

    def __init__(self) -> None:
        self.bytes_per_s = 0.0
        self._since_s: float | None = None
        self._bytes = 0

    def count(self, size: int, now_s: float) -> None:
        """So many more have come."""
        if self._since_s is None:
            self._since_s = now_s
        self._bytes += size
        passed_s = now_s - self._since_s
        if passed_s >= RATE_S:
            self.bytes_per_s = self._bytes / passed_s
            self._since_s, self._bytes = now_s, 0


class LiveStream:
    """Takes messages one by one, and sends them to all viewers in batches."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.viewers: set[Viewer] = set()
        self.bytes_in = self.bytes_out = self.dropped_batches = 0
        self.codecs: dict[tuple[int, int], str] = {}
        """By kind of message and track."""
        self._key_interval_ms: int | None = None
        self.media_s: float | None = None
        """When media last came."""
        self.metadata: Message | None = None
        """What the publisher said of itself last (`onMetaData`)."""
        self._headers: dict[_HeaderKey, Message] = {}
        self._gop: Gop | None = None
        self._burst: bytes | None = None
        """What newcomers get until the next message comes: one copy for all of them."""
        self._repeats: frozenset[bytes] = frozenset()
        """What a source that was lost may send once more."""
        self._last_key_ms: int | None = None
        self._last_ms = 0
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        self._key_at: int | None = None
        self._rate = Rate()

    @property
    def key_interval_ms(self) -> int | None:
        """Between the last two key frames, or since the last where that is longer already."""
        if self._last_key_ms is None:
            return self._key_interval_ms
        since_ms = difference_ms(self._last_ms, self._last_key_ms)
        if self._key_interval_ms is None:
            return since_ms if since_ms > LATE_KEY_MS else None
        return max(self._key_interval_ms, since_ms)

    @property
    def gop_bytes(self) -> int:
        """What is kept for newcomers."""
        return self._gop.size if self._gop else 0

    def forget(self) -> None:
        """Another publisher begins: nothing of the last one's goes to newcomers."""
        self.metadata = self._gop = self._burst = None
        self._last_key_ms = self._key_interval_ms = None
        self._repeats = frozenset()
        self._headers.clear()
        self.codecs.clear()

    def end(self) -> None:
        """The publisher has left: to newcomers its pictures are no live stream."""
        self._gop = self._burst = None

    def resume(self) -> None:
        """The source was lost and is back: it begins with pictures that viewers may have seen."""
        self._repeats = frozenset(self._gop.parts) if self._gop else frozenset()

    def offer(self, message: Message, now_s: float) -> None:
        """Take one message of the source. Raises RtmpError for media that cannot be right."""
        self.bytes_in += len(message.body)
        payload = payload_of(message)
        is_metadata = message.kind == MessageKind.DATA and data_name(message) == "onMetaData"
        if is_metadata:
            # Dated otherwise, ffmpeg takes it for a subtitle.
            message = message._replace(timestamp_ms=0)
        is_kept = is_metadata or (payload is not None and payload.kind in _KEPT)
        data = fan_out_bytes(message, STREAM_ID, CHUNK_BYTES)
        if self._is_repeated(message, payload, data):
            return
        self._burst = None
        if is_metadata:
            self.metadata = message
        if message.kind != MessageKind.DATA:
            self.media_s, self._last_ms = now_s, message.timestamp_ms
        if payload is not None:
            self._learn(message, payload)
        if not is_kept:
            self._add_to_gop(data, message)
        self._batch.append(data)
        self._batch_bytes += len(data)

    def join(self, viewer: Viewer, now_s: float) -> None:
        """A viewer comes: it gets headers and the pictures since the last key frame at once."""
        self.flush(now_s)  # what waits is in its first burst already
        is_live = self.media_s is not None and now_s - self.media_s < STALE_S
        if self._gop is not None and is_live:
            self._burst = self._burst or b"".join((self._preamble(), *self._gop.parts))
            viewer.begin(self._burst)
        else:
            viewer.begin(b"")
        self.bytes_out += viewer.sent_bytes
        self.viewers.add(viewer)

    def leave(self, viewer: Viewer) -> None:
        """It is gone."""
        self.viewers.discard(viewer)

    def flush(self, now_s: float) -> None:
        """Send what came since the last time to everybody."""
        if not self._batch:
            return
        whole, key_at = b"".join(self._batch), self._key_at
        self._batch, self._batch_bytes, self._key_at = [], 0, None
        if not self._has_video:
            key_at = 0  # sound can be heard from anywhere
        self._rate.count(len(whole), now_s)
        entry = None if key_at is None else self._preamble() + whole[key_at:]
        batch = Batch(whole, entry, queue_bound(self._rate.bytes_per_s))
        for viewer in self.viewers:
            sent_bytes = viewer.send(batch, now_s)
            self.bytes_out += sent_bytes
            self.dropped_batches += viewer.is_behind

    def ping_if_silent(self, now_s: float) -> None:
        """Show viewers that they are still connected while there is nothing to send."""
        if self.media_s is None or now_s - self.media_s > SILENT_S:
            for viewer in self.viewers:
                viewer.say(_PING)

    @property
    def _has_video(self) -> bool:
        return any(kind == MessageKind.VIDEO for kind, _ in self.codecs)

    def _is_repeated(self, message: Message, payload: Payload | None, data: bytes) -> bool:
        """Whether viewers have had this very message, from a source that is back.

        They may have headers and metadata too, however those are dated now.
        """
        if not self._repeats:
            return False
        if payload is None:
            return message == self.metadata or data in self._repeats
        if payload.kind in _KEPT:
            kept = self._headers.get(_header_key(message, payload))
            return kept is not None and kept.body == message.body
        if data in self._repeats:
            return True
        if message.kind == MessageKind.VIDEO:
            self._repeats = frozenset()  # it has come to what is new
        return False

    def _learn(self, message: Message, payload: Payload) -> None:
        """What the message says of its track, and whether a picture begins."""
        for track in payload.tracks:
            if payload.codec:
                self.codecs[message.kind, track] = payload.codec
        if payload.kind in _KEPT:
            self._headers[_header_key(message, payload)] = message
            if len(self._headers) > HEADERS_MAX:
                raise RtmpError(f"more than {HEADERS_MAX} codec headers")
        elif payload.is_key and message.kind == MessageKind.VIDEO:
            if self._last_key_ms is not None:
                self._key_interval_ms = difference_ms(message.timestamp_ms, self._last_key_ms)
            self._last_key_ms = message.timestamp_ms
            self._gop = Gop(message.timestamp_ms)
            if self._key_at is None:
                self._key_at = self._batch_bytes

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
        dated = [self.metadata] if self.metadata else []
        dated += [kept._replace(timestamp_ms=first_ms) for kept in self._headers.values()]
        return b"".join(fan_out_bytes(message, STREAM_ID, CHUNK_BYTES) for message in dated)


def _header_key(message: Message, payload: Payload) -> _HeaderKey:
    return message.kind, payload.kind, payload.tracks
