"""Generated streams: what a publisher of some kind sends, and what an honest relay makes of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from math import inf
from random import Random

from coordinator.proof.captures import Capture
from coordinator.proof.packets import DTS_MODULUS_MS, MediaKind, Packet, Part
from coordinator.proof.tracks import MARK
from tests.packet_streams import T0

ENDLESS = 100_000.0
"""A key frame interval that no check sees the end of."""
STREAM_S = 190
MARK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Pictures:
    """One track of pictures."""

    fps: float = 15.0
    gop_s: float = 2.0
    codec: str = "avc1"
    begins_s: float = 0.0
    ends_s: float = inf
    is_still: bool = False
    """Every picture encodes to the same bytes."""


@dataclass(frozen=True, slots=True)
class Sounds:
    """One track of sound."""

    a_second: float = 43.0
    codec: str = "mp4a"
    begins_s: float = 0.0
    ends_s: float = inf
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class Publisher:
    """What is published."""

    tracks: tuple[Pictures | Sounds, ...] = (Pictures(), Sounds())
    marks: bool = True
    dts_ms: int = 0
    """The first timestamp."""
    label: str = "live"

    def stream(self, seconds: float = STREAM_S) -> list[Packet]:
        """All of it, as the ingest serves it to who was there before it began."""
        packets: list[Packet] = []
        numbers = {MediaKind.VIDEO: count(), MediaKind.AUDIO: count()}
        for track in self.tracks:
            media = MediaKind.VIDEO if isinstance(track, Pictures) else MediaKind.AUDIO
            packets += self._track(track, media, next(numbers[media]), seconds)
        if self.marks:
            packets += [self._mark(n) for n in range(int(seconds / MARK_EVERY_S))]
        return sorted(packets, key=lambda p: p.arrived_s)

    def _track(
        self, track: Pictures | Sounds, media: MediaKind, number: int, seconds: float
    ) -> list[Packet]:
        rate = track.fps if isinstance(track, Pictures) else track.a_second
        name = f"{self.label}-{media}{number}"
        header = self._packet(track.begins_s, media, number, track.codec, 40, f"{name}-header")
        found = [replace(header, part=Part.HEADER)]
        for n in range(int((min(seconds, track.ends_s) - track.begins_s) * rate)):
            at_s = track.begins_s + n / rate
            size, digest, is_key = 120 + n % 13, f"{name}-{n}", False
            if isinstance(track, Pictures):
                is_key = n % max(1, round(track.gop_s * rate)) == 0
                size = 7000 if is_key else 500 + n % 97
                digest = f"{name}-{'key' if is_key else 'same'}" if track.is_still else digest
                size = 700 if track.is_still else size
            elif track.is_silent:
                size, digest = 9, f"{name}-silence"
            found.append(self._packet(at_s, media, number, track.codec, size, digest, is_key))
        return found

    def _packet(  # noqa: PLR0917 - the fields that differ
        self,
        at_s: float,
        media: MediaKind,
        number: int,
        codec: str,
        size: int,
        digest: str,
        is_key: bool = False,
    ) -> Packet:
        dts_ms = (self.dts_ms + round(at_s * 1000)) % DTS_MODULUS_MS
        return Packet(T0 + at_s, media, dts_ms, size, digest, is_key, track=number, codec=codec)

    def _mark(self, n: int) -> Packet:
        at_s = (n + 0.5) * MARK_EVERY_S
        mark = self._packet(at_s, MediaKind.DATA, 0, MARK, 700, f"{self.label}-mark{n}")
        return replace(mark, part=Part.OTHER)


@dataclass(frozen=True, slots=True)
class Relay:
    """How an honest relay, and the line behind it, serve a viewer."""

    lag_s: float = 0.05
    cache_s: float = 20.0
    """A group of pictures that is not older goes to newcomers at once; 0: they wait for a key."""
    merge_s: float = 0.045
    """Writes are merged for so long."""
    jitter_s: float = 0.0
    dts_shift_ms: int = 0
    gop_max_s: float = 30.0
    """Beyond it newcomers get the stream from where it is."""
    seed: int = 0
    stalls: tuple[tuple[float, float], ...] = field(default=())
    """(seconds into the capture, length) in which nothing arrives."""

    def serves(self, stream: list[Packet], started_s: float, seconds: float) -> Capture:
        """What one viewer gets that comes at `started_s`."""
        open_s, ended_s = started_s + 0.11, started_s + seconds
        had = [p for p in stream if p.arrived_s + self.lag_s < open_s]
        coming = [p for p in stream if open_s <= p.arrived_s + self.lag_s <= ended_s]
        first = [*newest_headers(had), *self._burst(had)]
        sent = [(open_s, p) for p in first]
        has_begun = len(first) > len(newest_headers(had)) or not self._waits(had)
        for packet in coming:
            has_begun = has_begun or (packet.is_key and packet.is_video)
            if has_begun or packet.part is Part.HEADER:
                sent.append((packet.arrived_s + self.lag_s, packet))
        return Capture(started_s, ended_s, tuple(self._through_line(sent, started_s, ended_s)))

    def _waits(self, had: list[Packet]) -> bool:
        keys = [p.arrived_s for p in had if p.is_key and p.is_video]
        return bool(keys) and had[-1].arrived_s - keys[-1] <= self.gop_max_s

    def _burst(self, had: list[Packet]) -> list[Packet]:
        at = max((n for n, p in enumerate(had) if p.is_key and p.is_video), default=None)
        if at is None or had[-1].arrived_s - had[at].arrived_s > self.cache_s:
            return []
        return [p for p in had[at:] if p.part is not Part.HEADER]

    def _through_line(
        self, sent: Iterable[tuple[float, Packet]], started_s: float, ended_s: float
    ) -> Iterable[Packet]:
        """Merged, jittered, stalled, never out of order."""
        random, last_s = Random(self.seed), 0.0
        for sent_s, packet in sent:
            at_s = sent_s
            if self.merge_s:
                at_s = started_s - (-(at_s - started_s) // self.merge_s) * self.merge_s
            at_s += random.uniform(0, 2 * self.jitter_s)
            for begins_s, length_s in self.stalls:
                if started_s + begins_s <= at_s < started_s + begins_s + length_s:
                    at_s = started_s + begins_s + length_s
            last_s = max(last_s, at_s)
            if last_s > ended_s:
                return
            dts_ms = (packet.dts_ms + self.dts_shift_ms) % DTS_MODULUS_MS
            yield replace(packet, arrived_s=last_s, dts_ms=dts_ms, is_key=False)


def newest_headers(packets: list[Packet]) -> list[Packet]:
    """What a newcomer is given first."""
    newest = {(p.media, p.track): p for p in packets if p.part is Part.HEADER}
    return list(newest.values())


def until(stream: list[Packet], at_s: float) -> list[Packet]:
    """What the reference has of a stream by then: two minutes, and the headers before."""
    kept = [p for p in stream if at_s - 120 <= p.arrived_s <= at_s]
    return [*newest_headers([p for p in stream if p.arrived_s < at_s - 120]), *kept]
