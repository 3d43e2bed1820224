"""What of one track a node had to deliver in its capture, and what it did deliver."""

from dataclasses import dataclass

from coordinator.proof.matching import Matching
from coordinator.proof.timeline import Timeline
from coordinator.proof.tracks import Track


@dataclass(frozen=True, slots=True)
class TrackShare:
    """One track's share; nothing may be due."""

    due: int
    came: int
    due_bytes: int
    came_bytes: int
    has_keys: bool
    """Whether every key frame that was due came: without one nobody sees the pictures behind."""

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
    its last match, or to the end of the capture minus its own delay and one honest stall. So
    silence, late starts, gaps and slowness all lower one and the same share. Matches count by
    their place: a busy reference reads packets at one instant that a node serves one by one.
    """
    window, rules = timeline.window, timeline.rules
    came = [at for at in track.places if at in evidence.delivered]
    start_s = timeline.start_s(track)
    if start_s is None and not came:
        return []
    delay_s = rules.lag_max_s if evidence.delay_s is None else evidence.delay_s
    until_s = timeline.ended_s - delay_s - rules.stall_s
    first, last = (came[0], came[-1]) if came else (len(window), -1)

    def is_begun(at: int) -> bool:
        return at >= first or (start_s is not None and window[at].arrived_s >= start_s)

    return [
        at
        for at in track.places
        if is_begun(at) and (at <= last or window[at].arrived_s <= until_s)
    ]


def share_of(timeline: Timeline, track: Track, evidence: Matching) -> TrackShare:
    """What was due of a track, and what came."""
    window = timeline.window
    due = due_places(timeline, track, evidence)
    came = [at for at in due if at in evidence.delivered]
    keys = [at for at in due if track.is_video and window[at].is_key]
    return TrackShare(
        due=len(due),
        came=len(came),
        due_bytes=sum(window[at].size for at in due),
        came_bytes=sum(window[at].size for at in came),
        has_keys=all(at in evidence.delivered for at in keys),
    )
