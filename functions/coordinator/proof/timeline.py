"""What the ingest served around a check: the measure that a capture is held to.

Pure. Everything that can excuse a node is computed here, from the reference alone: a node must
never be able to make its own check inconclusive. Longer than other modules: what a node owes, and
what excuses it, are read from one window.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf

from coordinator.proof.captures import Capture, Span
from coordinator.proof.packets import MediaKind, Packet
from coordinator.proof.parameters import ProofParameters
from coordinator.proof.remembered import Remembered, remembered
from coordinator.proof.shown_tracks import shown_by, unshown_by
from coordinator.proof.tracks import (
    Track,
    TrackId,
    breaks_of,
    headers_of,
    judged_of,
    key_interval_s,
    lasting,
    leader_of,
    track_of,
    tracks_of,
)
from coordinator.proof.window_places import Places, places_in
from coordinator.reasons import Reason

WHOLE_WITHIN_S = 1.0
"""A track of the window that begins so soon may have been there before it."""


@dataclass(slots=True)
class Timeline:
    """The reference around one capture, or around one span of a very long one."""

    started_s: float
    ended_s: float
    rules: ProofParameters
    window: list[Packet]
    """What is judged of the window, in order of arrival."""
    places: Places
    tracks: list[Track]
    lead: Track | None
    """The track that proves most: whether the reference is sound is told by it."""
    earlier: Callable[[], Sequence[Packet]]
    """Looks up everything from before the window."""
    headers: dict[TrackId, frozenset[str]]
    """The codec headers of each track that the reference has seen."""
    gop_s: float
    """The longest wait for a key frame that the reference remembers."""
    is_endless: bool
    """Whether nobody could wait for a key frame when the viewer came: a server that began to wait
    for one may go on, however old the last has become by the end."""
    is_joined: bool
    """Whether the capture began with its connection; else it is a span from the middle of one."""
    unshown: frozenset[TrackId] = frozenset()
    """Tracks that the capture's reader may never show, whoever serves them."""
    segments: list[int] = field(default_factory=list)
    """Which unbroken run of timestamps each packet of the window belongs to."""
    breaks: int = 0
    """How often the run broke inside the window: a new connection, or a restarted stream."""
    _older: list[Packet] | None = None
    _older_tracks: set[TrackId] | None = None

    def proves(self, at: int) -> bool:
        """Whether a packet of the window proves something by itself."""
        return self.places.is_unique[at] and self.window[at].size >= self.rules.size_min

    def begins_picture(self, at: int) -> bool:
        """Whether a packet of the window is a key frame."""
        return self.window[at].is_video and self.window[at].is_key

    def start_s(self, track: Track) -> float | None:
        """From when a viewer must get a track, even if nothing of it came; None: not at all.

        Whoever comes anew is given pictures from a key frame on, and servers may hold everything
        back for it. Where nobody can wait for one, everything is due at once.
        """
        if not self.is_joined or self.is_endless or not self._pictures:
            return self.since_s + self.rules.edge_s
        key_s = self._first_key_s(self.since_s)
        if key_s == inf:
            return None
        return track.next_key_s(key_s) if track.is_video else key_s + self.rules.edge_s

    def _first_key_s(self, since_s: float) -> float:
        """When the first picture came, from then on, that a player can start with."""
        keys = (t.next_key_s(since_s) for t in self._pictures)
        return min((at for at in keys if at is not None), default=inf)

    @property
    def since_s(self) -> float:
        """From when something may be expected of a node."""
        return self.started_s + (self.rules.setup_s if self.is_joined else 0.0)

    @property
    def _pictures(self) -> list[Track]:
        return [track for track in self.tracks if track.is_video]

    def is_shown(self, delivered: set[int], delay_s: float) -> bool:
        """Whether some of each picture came that a viewer had to be given by then.

        A capture that is too short for a key frame says nothing of the picture, and one that ends
        as a camera is switched on neither."""
        due = Span(self.since_s + self.rules.edge_s, self.ended_s - delay_s - self.rules.stall_s)
        shown = [t for t in self._pictures if any(due.holds(p.arrived_s) for p in t.packets)]
        return all(any(at in delivered for at in track.places) for track in shown)

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
        if self.has_gap() or self.lead is None:
            return Reason.UNKNOWN_REFERENCE
        if len(self.lead.eligible) < self.rules.packets_min:
            return Reason.UNKNOWN_REFERENCE
        if self.ended_s - self.started_s < self.needed_s():
            return Reason.UNKNOWN_REFERENCE
        return None

    def has_gap(self) -> bool:
        """Whether a node may have got and served something else than the reference did."""
        during = [self.started_s - self.rules.lag_max_s]
        during += [p.arrived_s for p in self.window if p.arrived_s >= during[0]]
        return self.breaks > 0 or any(b - a > self.silence_max_s for a, b in pairwise(during))

    def is_owed(self) -> bool:
        """Whether anybody who was connected must have got something, whatever the stream is like.

        This needs less than a proof: time for a key frame, if servers may wait for one, and
        anything at all behind it."""
        if self.has_gap() or self.is_down() or self.ended_s - self.started_s < self._wait_s():
            return False
        since_s, lag_s = self.since_s, self.rules.lag_max_s
        if not self.is_joined:  # whoever is in time shows what is new, and who is late older things
            return self._has_media(since_s) and self._has_media(since_s - lag_s, lag_s)
        if self._pictures and not self.is_endless:
            if self._first_key_s(since_s) > self.ended_s:
                return False  # the picture is over: who waits for a key frame waits in vain
            return self._has_media(self._first_key_s(since_s - lag_s))
        return self._has_media(since_s - lag_s)

    def _has_media(self, since_s: float, sooner_s: float = 0.0) -> bool:
        """Whether a picture or a sound came from then on, up to an honest stall before the end."""
        until_s = self.ended_s - self.rules.stall_s - sooner_s
        media = (p for p in self.window if p.media is not MediaKind.DATA)
        return any(since_s <= p.arrived_s <= until_s for p in media)

    def owes_enough(self) -> bool:
        """Whether the leading track brought enough to a viewer who was there in time."""
        start_s = None if self.lead is None else self.start_s(self.lead)
        if self.lead is None or start_s is None:
            return False
        owed = [p for p in self.lead.eligible if start_s <= p.arrived_s <= self.ended_s]
        return len(owed) >= self.rules.packets_min

    @property
    def is_warm(self) -> bool:
        """True if the reference saw the whole window, so that a track that it lacks was none."""
        return not self.breaks and any(map(self.is_whole, self.tracks))

    def is_whole(self, track: Track) -> bool:
        """Whether the reference had it when the window began: what it lacks was never served."""
        begun_s = track.packets[0].arrived_s
        is_early = begun_s <= self.started_s - self.rules.window_s + WHOLE_WITHIN_S
        return is_early or track.id in self.older_tracks

    @property
    def older(self) -> list[Packet]:
        """What is judged from before the window: it tells a recording from other content."""
        if self._older is None:
            self._older = judged_of(self.earlier())
        return self._older

    @property
    def older_tracks(self) -> set[TrackId]:
        """The tracks that were there before."""
        if self._older_tracks is None:
            self._older_tracks = set(map(track_of, self.older))
        return self._older_tracks


def timeline_of(
    reference: Sequence[Packet] | Remembered,
    capture: Capture,
    rules: ProofParameters,
    *,
    is_joined: bool = True,
    gop_s: float | None = None,
) -> Timeline:
    """Cut the reference (25 s before the capture, better 120 s) to one capture.

    `gop_s`: the longest wait for a key frame before the capture, if somebody has looked it up. What
    only tells what a stranger is, is looked up when there is one."""
    past, since_s = remembered(reference), capture.started_s - rules.window_s
    around = past.within(since_s, capture.compared_until_s(rules.grace_s))
    window = judged_of(shown_by(capture.reader, around))
    if unshown := unshown_by(capture, window):
        window = [p for p in window if track_of(p) not in unshown]

    def earlier() -> Sequence[Packet]:
        return shown_by(capture.reader, past.before(since_s))

    judged = window if gop_s is not None else judged_of(earlier()) + window
    before_s = key_interval_s(judged, capture.started_s) if gop_s is None else gop_s
    places = places_in(window)
    tracks = tracks_of(window, places.is_unique, rules)
    timeline = Timeline(
        started_s=capture.started_s,
        ended_s=capture.ended_s,
        rules=rules,
        window=window,
        places=places,
        tracks=tracks,
        lead=leader_of(lasting(tracks, capture.ended_s, rules), rules),
        earlier=earlier,
        headers=headers_of(past.headers),
        gop_s=max(before_s, key_interval_s(judged, capture.ended_s)),
        is_endless=before_s - rules.lag_max_s > rules.gop_max_s,
        is_joined=is_joined,
        unshown=unshown,
    )
    _find_segments(timeline)
    return timeline


def _find_segments(timeline: Timeline) -> None:
    """Number the unbroken runs of timestamps, so that each may have an offset of its own.

    All tracks break together: what was compared with a packet from before a break is none."""
    media = [track for track in timeline.tracks if not track.is_marks]
    steps = sorted((at, before) for track in media for before, at in breaks_of(track))
    begins: list[int] = []
    for at, before in steps:
        if not begins or before >= begins[-1]:
            begins.append(at)
    timeline.breaks = len(begins)
    edges = [0, *begins, len(timeline.window)]
    for number, (since, until) in enumerate(pairwise(edges)):
        timeline.segments += [number] * (until - since)
