"""One live stream: what newcomers need, and one buffer for all who watch."""

from agent.relay.restream.gop import Gop
from agent.relay.restream.rate import Rate
from agent.relay.restream.stream_signer import StreamSigner
from agent.relay.restream.viewer import Batch, Viewer, queue_bound
from rtmp.chunks import whole_chunks
from rtmp.clock import difference_ms
from rtmp.errors import RtmpError
from rtmp.flv import Payload, PayloadKind, payload_of
from rtmp.media import data_name, fan_out_bytes
from rtmp.messages import Message, MessageKind, UserControl, user_control
from rtmp.server import CHUNK_BYTES
from rtmp.server_messages import STREAM_ID

LATE_KEY_MS = 10_000
"""From then on the time since the only key frame is told as an interval: the second is late."""
STALE_S = 5.0
"""Pictures that lie so long are no live stream: newcomers wait for the next."""
SILENT_S = 2.0
"""From then on viewers are pinged: a node tells a publisher's pause from a frozen ingest."""
HEADERS_MAX = 32
"""Tracks and what describes them: a publisher could go on inventing tracks."""
_PING = whole_chunks(2, user_control(UserControl.PING_REQUEST, bytes(4)), CHUNK_BYTES)
_KEPT = (PayloadKind.HEADER, PayloadKind.METADATA)
_HeaderKey = tuple[int, PayloadKind, tuple[int, ...]]


class LiveStream:
    """Takes messages one by one, and sends them to all viewers in batches."""

    def __init__(self, name: str, signer: StreamSigner | None = None) -> None:
        """An ingest's has a `signer`."""
        self.name, self._signer = name, signer
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
        self._repeats: frozenset[bytes] = frozenset()
        """What a source that was lost may send once more."""
        self._last_key_ms: int | None = None
        self._last_ms = 0
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        self._key_at: int | None = None
        self._entry_preamble = b""
        """What goes before `_key_at`."""
        self._open_preamble: bytes | None = None
        """What goes before the whole batch, where no picture is kept that one could begin with."""
        self._has_media = False
        """Whether the batch has: marks alone go on for a while behind a publisher that left."""
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
        self.metadata = self._gop = None
        self._last_key_ms = self._key_interval_ms = None
        self._repeats = frozenset()
        self._headers.clear()
        self.codecs.clear()
        if self._signer is not None:
            self._signer.writer.forget()

    def end(self) -> None:
        """The publisher has left: to newcomers its pictures are no live stream."""
        self._gop = None

    def resume(self) -> None:
        """The source was lost and is back: it begins with pictures that viewers may have seen."""
        if self._gop is not None:
            self._repeats = frozenset(self._gop.parts)

    def trust(self) -> None:
        """What came until now is what the ingest has signed."""
        if self._gop is not None:
            self._gop.trust()

    def distrust(self) -> None:
        """What came since may be false: newcomers get none of it."""
        self.resume()
        if self._gop is not None:
            self._gop = self._gop.trusted

    def offer(self, message: Message, now_s: float) -> None:
        """Take one message of the source. Raises RtmpError for media that cannot be right."""
        self.bytes_in += len(message.body)
        payload = payload_of(message)
        is_metadata = message.kind == MessageKind.DATA and data_name(message) == "onMetaData"
        if is_metadata:
            # Dated otherwise, ffmpeg takes it for a subtitle.
            message = message._replace(timestamp_ms=0)
        data = fan_out_bytes(message, STREAM_ID, CHUNK_BYTES)
        if self._is_repeated(message, payload, data):
            return
        if self._signer is not None and self._signer.writer.is_full:
            self.mark(now_s)
        if message.kind != MessageKind.DATA:
            self.media_s, self._last_ms = now_s, message.timestamp_ms
        self._begin_batch()
        self._has_media |= message.kind != MessageKind.DATA
        if is_metadata:
            self.metadata = message
        if payload is not None:
            self._learn(message, payload)
        if self._signer is not None:  # last of all: what is refused above is never served
            self._signer.writer.add(message, payload)
        self._hand_on(data, message)

    def mark(self, now_s: float) -> None:
        """Sign what came since the last mark; of a live stream also that nothing did."""
        signer = self._signer
        if signer is not None and (signer.writer.has_unsigned or self._is_live(now_s)):
            self._begin_batch()
            mark = signer.mark(self._last_ms)
            self._hand_on(fan_out_bytes(mark, STREAM_ID, CHUNK_BYTES), mark)

    def join(self, viewer: Viewer, now_s: float) -> None:
        """A viewer comes: it gets headers and the pictures since the last key frame at once."""
        self.flush(now_s)  # what waits is in its first burst already
        if self._gop is not None and self._is_live(now_s):
            viewer.begin(self._gop.preamble, *self._gop.parts)
        else:
            viewer.begin()
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
        preamble = self._open_preamble if self._has_media else None
        self._batch, self._batch_bytes, self._key_at, self._has_media = [], 0, None, False
        self._rate.count(len(whole), now_s)
        entry = None if key_at is None else self._entry_preamble + whole[key_at:]
        opening = None if preamble is None else preamble + whole
        if not self._has_video:
            entry = entry or opening  # sound can be heard from anywhere
        bound = queue_bound(self._rate.bytes_per_s)
        batch = Batch(whole, entry, opening, bound, len(whole))
        total = 0
        for viewer in self.viewers:
            if sent_bytes := viewer.send(batch, now_s):
                total += sent_bytes
            else:
                self.dropped_batches += viewer.is_behind
        self.bytes_out += total

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
            preamble = self._preamble(message.timestamp_ms)
            self._gop = Gop(message.timestamp_ms, preamble)
            if self._key_at is None:
                self._key_at, self._entry_preamble = self._batch_bytes, preamble

    def _begin_batch(self) -> None:
        """Whoever begins with it, since no picture is kept, needs what stood before it."""
        if not self._batch:
            self._open_preamble = None if self._gop else self._preamble()

    def _hand_on(self, data: bytes, message: Message) -> None:
        """To all who watch, and to those who come until the next key frame."""
        self._batch.append(data)
        self._batch_bytes += len(data)
        if self._gop is not None and not self._gop.add(data, message.timestamp_ms):
            self._gop = None

    def _is_live(self, now_s: float) -> bool:
        return self.media_s is not None and now_s - self.media_s < STALE_S

    def _preamble(self, first_ms: int | None = None) -> bytes:
        """Metadata and headers, dated like the first picture: a decoder's clock begins there."""
        first_ms = self._last_ms if first_ms is None else first_ms
        dated = [self.metadata] if self.metadata else []
        dated += [kept._replace(timestamp_ms=first_ms) for kept in self._headers.values()]
        return b"".join(fan_out_bytes(message, STREAM_ID, CHUNK_BYTES) for message in dated)


def _header_key(message: Message, payload: Payload) -> _HeaderKey:
    return message.kind, payload.kind, payload.tracks
