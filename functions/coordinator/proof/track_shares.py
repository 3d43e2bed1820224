"""What of one track a node had to deliver in its capture, and what it did deliver."""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import islice

from coordinator.proof.matching import Matching
from coordinator.proof.remembered import ARRIVAL
from coordinator.proof.timeline import Timeline
from coordinator.proof.tracks import Track


@dataclass(frozen=True, slots=True)
class TrackShare:
    """One track's share; nothing may be due."""

    places: list[int]
    """Where in the window the packets lie that were due."""
    came: int
    due_bytes: int
    came_bytes: int
    has_keys: bool
    """Whether every key frame that was due came: without one nobody sees the pictures behind."""

    @property
    def due(self) -> int:
        """How many packets were due."""
        return len(self.places)

    @property
    def packet_ratio(self) -> float:
        """Packets that came of those that were due."""
        return self.came / self.due if self.due else 1.0

    @property
    def byte_ratio(self) -> float:
        """Likewise of their bytes."""
        return self.came_bytes / self.due_bytes if self.due_bytes else 1.0


def due_places(timeline: Timeline, track: Track, evidence: Matching) -> list[int]:
    """Where in the window the packets lie that a node had to deliver.

    From its first match, or the first packet that it cannot have missed if that came before, to
    its last match, or to the end of the capture minus its own delay and one honest stall. Relays
    keep the order, so what the ingest served between matches of any track is due as well. So
    silence, late starts, gaps and slowness all lower one and the same share. Matches count by
    their place: a busy reference reads packets at one instant that a node serves one by one.
    """
    window = timeline.window
    came = evidence.delivered.intersection(track.places)
    until_s = _until_s(timeline, evidence)
    first, last = (min(came), max(came)) if came else (len(window), -1)
    first = min(first, _start_at(timeline, track, evidence))
    begun = track.places[bisect_left(track.places, first) :]
    return [at for at in begun if at <= last or window[at].arrived_s <= until_s]


def _start_at(timeline: Timeline, track: Track, evidence: Matching) -> int:
    """The place of the first packet that a viewer cannot have missed.

    What lies before a key frame may have been read at the same instant as that."""
    window, start_s = timeline.window, _start_s(timeline, track, evidence)
    if start_s is None:
        return len(window)
    waits = track.is_video and timeline.is_joined and not timeline.is_endless
    first = bisect_left(track.packets, start_s, key=ARRIVAL)
    begun = islice(track.places, first, None)
    return next((at for at in begun if not waits or timeline.begins_picture(at)), len(window))


def _start_s(timeline: Timeline, track: Track, evidence: Matching) -> float | None:
    """From when everything is due, by the reference or by what came of all tracks; None: never.

    A newcomer may be given kept pictures without their sound: only what was live counts."""
    start_s = timeline.start_s(track)
    if evidence.delay_s is None:
        return start_s
    live_s = timeline.since_s - evidence.delay_s
    come_s = track.next_key_s(max(evidence.delays[0][0], live_s) + timeline.rules.edge_s)
    return min((at for at in (start_s, come_s) if at is not None), default=None)


def _until_s(timeline: Timeline, evidence: Matching) -> float:
    """Up to when everything is due that has begun."""
    rules = timeline.rules
    delay_s = rules.lag_max_s if evidence.delay_s is None else evidence.delay_s
    until_s = timeline.ended_s - delay_s - rules.stall_s
    newest_s = evidence.newest_s
    return until_s if newest_s is None else max(until_s, newest_s - rules.edge_s)


def share_of(timeline: Timeline, track: Track, evidence: Matching) -> TrackShare:
    """What was due of a track, and what came."""
    window = timeline.window
    due = due_places(timeline, track, evidence)
    came = [at for at in due if at in evidence.delivered]
    keys = [at for at in due if track.is_video and window[at].is_key]
    return TrackShare(
        places=due,
        came=len(came),
        due_bytes=sum(window[at].size for at in due),
        came_bytes=sum(window[at].size for at in came),
        has_keys=all(at in evidence.delivered for at in keys),
    )
