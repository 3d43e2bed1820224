"""What the ingest served around a check: the measure that a capture is held to.

Pure. Everything that can excuse a node is computed here, from the reference alone: a node must
never be able to make its own check inconclusive.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from coordinator.proof.captures import Capture, Reader
from coordinator.proof.packets import MediaKind, Packet, Part
from coordinator.proof.parameters import ProofParameters
from coordinator.proof.tracks import (
    Key,
    Track,
    TrackId,
    is_break,
    is_judged,
    key_interval_s,
    key_of,
    leader_of,
    track_of,
    tracks_of,
)
from coordinator.reasons import Reason


@dataclass(slots=True)
class Timeline:
    """The reference around one capture, or around one span of a very long one."""

    started_s: float
    ended_s: float
    rules: ProofParameters
    window: list[Packet]
    """What is judged of the window, in order of arrival."""
    tracks: list[Track]
    lead: Track | None
    """The track that proves most: whether the reference is sound is told by it."""
    older: list[Packet]
    """Packets from before the window: they tell a recording from other content."""
    headers: dict[TrackId, frozenset[str]]
    """The codec headers of each track that the reference has seen."""
    gop_s: float
    """The longest wait for a key frame that the reference remembers."""
    is_joined: bool
    """Whether the capture began with its connection; else it is a span from the middle of one."""
    places: dict[Key, list[int]] = field(default_factory=dict)
    """Where in the window a packet is; one of several alike is told by its timestamp."""
    segments: list[int] = field(default_factory=list)
    """Which unbroken run of timestamps each packet of the window belongs to."""
    breaks: int = 0
    """How often the run broke inside the window: a new connection, or a restarted stream."""

    def is_eligible(self, key: Key, size: int) -> bool:
        """Whether a packet proves something by itself."""
        return size >= self.rules.size_min and len(self.places.get(key, ())) == 1

    def proves(self, at: int) -> bool:
        """The same of a packet of the window."""
        return self.is_eligible(key_of(self.window[at]), self.window[at].size)

    def begins_picture(self, at: int) -> bool:
        """Whether a packet of the window is a key frame."""
        return self.window[at].is_video and self.window[at].is_key

    @property
    def is_endless(self) -> bool:
        """Whether nobody can wait for a key frame."""
        return self.gop_s > self.rules.gop_max_s

    def start_s(self, track: Track) -> float | None:
        """From when a viewer must get a track, even if nothing of it came; None: not at all.

        Whoever comes anew is given pictures from a key frame on, and servers may hold everything
        back for it. Where nobody can wait for one, everything is due at once.
        """
        if not self.is_joined or self.is_endless or not self._pictures:
            return self.since_s + self.rules.edge_s
        keys = [at for t in self._pictures if (at := t.next_key_s(self.since_s)) is not None]
        if not keys:
            return None
        return track.next_key_s(min(keys)) if track.is_video else min(keys) + self.rules.edge_s

    @property
    def since_s(self) -> float:
        """From when something may be expected of a node."""
        return self.started_s + (self.rules.setup_s if self.is_joined else 0.0)

    @property
    def _pictures(self) -> list[Track]:
        return [track for track in self.tracks if track.is_video]

    def is_shown(self, delivered: set[int]) -> bool:
        """Whether some of each picture came that a viewer had to be given by then.

        A capture that is too short for a key frame says nothing of the picture."""
        shown = [t for t in self._pictures if t.packets[-1].arrived_s >= self.since_s]
        return not shown or any(at in delivered for t in shown for at in t.places)

    def needed_s(self) -> float:
        """Seconds that a capture must last to be sure of enough eligible packets."""
        return self._wait_s() + (self.lead.span_s if self.lead else 0.0)

    def _wait_s(self) -> float:
        """Until a viewer must have got a key frame."""
        if not self.is_joined:
            return 0.0
        return self.rules.setup_s + (0.0 if self.is_endless else self.gop_s)

    def is_down(self) -> bool:
        """True if the ingest served nothing at the end of the capture."""
        return self.lead is None or self._newest_s() < self.ended_s - self.silence_max_s

    @property
    def lag_max_s(self) -> float:
        """How far the newest match may lie back: its next packet may only be due soon."""
        return self.rules.lag_max_s + (self.silence_max_s - self.rules.silence_max_s)

    @property
    def silence_max_s(self) -> float:
        """Slides may come more rarely than what is a gap elsewhere."""
        slow_s = 2 * self.lead.span_s / self.rules.packets_min if self.lead else 0.0
        return max(self.rules.silence_max_s, slow_s)

    def _newest_s(self) -> float:
        return self.window[-1].arrived_s if self.window else float("-inf")

    def unusable_reason(self) -> Reason | None:
        """Why nothing can be held against anybody now, or None if the reference is sound."""
        if self.is_down():
            return Reason.UNKNOWN_INGEST_DOWN
        if self._has_gap() or self.lead is None:
            return Reason.UNKNOWN_REFERENCE
        if len(self.lead.eligible) < self.rules.packets_min:
            return Reason.UNKNOWN_REFERENCE
        if self.ended_s - self.started_s < self.needed_s():
            return Reason.UNKNOWN_REFERENCE
        return None

    def _has_gap(self) -> bool:
        """Whether a node may have got and served something else than the reference did."""
        during = [self.started_s - self.rules.lag_max_s]
        during += [p.arrived_s for p in self.window if p.arrived_s >= during[0]]
        return self.breaks > 0 or any(b - a > self.silence_max_s for a, b in pairwise(during))

    def is_owed(self) -> bool:
        """Whether anybody who was connected must have got something, whatever the stream is like.

        This needs less than a proof: time for a key frame, if servers may wait for one, and
        anything at all behind it."""
        if self._has_gap() or self.is_down() or self.ended_s - self.started_s < self._wait_s():
            return False
        late_s = self.since_s - self.rules.lag_max_s
        if self._pictures and not self.is_endless:
            keys = (at for t in self._pictures if (at := t.next_key_s(late_s)) is not None)
            late_s = min(keys, default=self.ended_s)
        return any(late_s <= p.arrived_s <= self.ended_s - self.rules.stall_s for p in self.window)

    @property
    def is_warm(self) -> bool:
        """True if the reference saw the whole window, so that a track that it lacks was none."""
        return not self.breaks and any(track.is_whole for track in self.tracks)


def timeline_of(
    reference: Sequence[Packet], capture: Capture, rules: ProofParameters, *, is_joined: bool = True
) -> Timeline:
    """Cut the reference (any order; 25 s before the capture, better 120 s) to one capture."""
    since_s = capture.started_s - rules.window_s
    until_s = capture.ended_s + rules.grace_s
    ordered = sorted(shown_by(capture.reader, reference), key=lambda p: p.arrived_s)
    judged = [p for p in ordered if is_judged(p) and p.arrived_s <= until_s]
    begun_s: dict[TrackId, float] = {}
    for packet in judged:
        begun_s.setdefault(track_of(packet), packet.arrived_s)
    window = [p for p in judged if p.arrived_s >= since_s]
    tracks = tracks_of(window, Counter(map(key_of, window)), begun_s, since_s, rules)
    timeline = Timeline(
        started_s=capture.started_s,
        ended_s=capture.ended_s,
        rules=rules,
        window=window,
        tracks=tracks,
        lead=leader_of(tracks, rules),
        older=judged[: len(judged) - len(window)],
        headers=headers_of(ordered),
        gop_s=key_interval_s(judged, capture.ended_s),
        is_joined=is_joined,
    )
    for at, packet in enumerate(window):
        timeline.places.setdefault(key_of(packet), []).append(at)
    _find_segments(timeline)
    return timeline


def shown_by(reader: Reader, packets: Sequence[Packet]) -> Sequence[Packet]:
    """Packets as the reader of a capture would have shown them."""
    if reader is Reader.OWN:
        return packets
    return [
        Packet(p.arrived_s, p.media, p.dts_ms, p.size, p.digest, p.is_key, p.connection)
        for p in packets
        if p.media is not MediaKind.DATA and p.part is Part.FRAMES and p.track == 0
    ]


def headers_of(packets: Sequence[Packet]) -> dict[TrackId, frozenset[str]]:
    """The digests of each track's codec headers."""
    found: dict[TrackId, set[str]] = {}
    for packet in packets:
        if packet.part is Part.HEADER:
            found.setdefault(track_of(packet), set()).add(packet.digest)
    return {track: frozenset(digests) for track, digests in found.items()}


def capture_seconds(
    reference: Sequence[Packet], now_s: float, parameters: ProofParameters | None = None
) -> float:
    """How long the next capture should last, by the stream's key frame interval and rate."""
    rules = parameters or ProofParameters()
    recent = timeline_of(reference, Capture(now_s, now_s), rules)
    return min(max(recent.needed_s() + 0.3, rules.capture_min_s), rules.capture_max_s)


def _find_segments(timeline: Timeline) -> None:
    """Number the unbroken runs of timestamps, so that each may have an offset of its own."""
    newest: dict[TrackId, Packet] = {}
    for packet in timeline.window:
        if packet.media is not MediaKind.DATA:
            before = newest.get(track_of(packet))
            if before is not None and is_break(before, packet):
                timeline.breaks += 1
                newest.clear()
            newest[track_of(packet)] = packet
        timeline.segments.append(timeline.breaks)
