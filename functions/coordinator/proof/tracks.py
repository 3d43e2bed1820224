"""Tracks of a stream as the reference got them: what of each can prove something, and how soon."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from operator import attrgetter, sub

from coordinator.proof.packets import (
    DTS_MODULUS_MS,
    MediaKind,
    Packet,
    Part,
    dts_difference_ms,
)
from coordinator.proof.parameters import ProofParameters
from coordinator.proof.remembered import ARRIVAL

TrackId = tuple[MediaKind, int]
Key = tuple[MediaKind, int, str, int, str]
"""What makes two packets the same: track, codec, size and digest of the payload."""
_DTS = attrgetter("dts_ms")
_KEY = attrgetter("media", "track", "codec", "size", "digest")
MARK = "onRelayMark"
"""The name of the ingest's marks (`rtmp/marks.py`): no two are alike, so they prove a live line
where no packet of the media does."""


def track_of(packet: Packet) -> TrackId:
    """Whose packet it is."""
    return packet.media, packet.track


def key_of(packet: Packet) -> Key:
    """The identity under which packets are compared."""
    return packet.media, packet.track, packet.codec, packet.size, packet.digest


def keys_of(packets: Iterable[Packet]) -> list[Key]:
    """Those of many."""
    return list(map(_KEY, packets))


def is_judged(packet: Packet) -> bool:
    """Pictures, sounds and marks: other script data and what describes a track prove nothing."""
    if packet.media is MediaKind.DATA:
        return packet.codec == MARK
    return packet.part is Part.FRAMES


def judged_of(packets: Iterable[Packet]) -> list[Packet]:
    """Those of them that are judged. `is_judged` of each, without a call for each."""
    data, frames = MediaKind.DATA, Part.FRAMES
    return [p for p in packets if (p.codec == MARK if p.media is data else p.part is frames)]


@dataclass(slots=True)
class Track:
    """One track of the reference inside the window of one check."""

    id: TrackId
    places: list[int]
    """Where in the window its packets lie."""
    packets: list[Packet]
    eligible: list[Packet]
    """At least `size_min` bytes and unique in the window, in order of arrival."""
    span_s: float
    """The longest time that `packets_min` eligible packets took."""

    @property
    def is_video(self) -> bool:
        """True for pictures."""
        return self.id[0] is MediaKind.VIDEO

    @property
    def is_marks(self) -> bool:
        """True for the ingest's marks."""
        return self.id[0] is MediaKind.DATA

    def next_key_s(self, since_s: float) -> float | None:
        """Arrival of the first packet from `since_s` on that a player can start with."""
        waits = self.is_video
        later = islice(self.packets, bisect_left(self.packets, since_s, key=ARRIVAL), None)
        return next((p.arrived_s for p in later if p.is_key or not waits), None)


def tracks_of(
    window: Sequence[Packet], is_unique: Sequence[bool], rules: ProofParameters
) -> list[Track]:
    """The tracks of a window, by which of its packets are in it once."""
    found: dict[TrackId, list[int]] = {}
    for at, packet in enumerate(window):
        found.setdefault((packet.media, packet.track), []).append(at)
    tracks = []
    for track, places in found.items():
        packets = [window[at] for at in places]
        unique = [
            window[at] for at in places if is_unique[at] and window[at].size >= rules.size_min
        ]
        span_s = _span_s(packets, unique, rules.packets_min)
        tracks.append(Track(track, places, packets, unique, span_s))
    return tracks


def _span_s(packets: Sequence[Packet], unique: Sequence[Packet], count: int) -> float:
    """What is not there yet counts as well: from the first packet, and up to the last."""
    steps = [packets[0], *unique, *([packets[-1]] * count)]
    return longest_s(steps, steps[count:])


def lasting(tracks: Sequence[Track], until_s: float, rules: ProofParameters) -> Sequence[Track]:
    """Those that go on until then, or all: of one that is over nobody can be owed anything."""
    since_s = until_s - rules.silence_max_s
    return [t for t in tracks if t.packets[-1].arrived_s >= since_s] or tracks


def leader_of(tracks: Iterable[Track], rules: ProofParameters) -> Track | None:
    """The track that proves most: with the most packets that nobody can have from elsewhere.

    Marks lead where no picture and no sound is rich; without them the best that there is.
    """
    able = [t for t in tracks if len(t.eligible) >= rules.packets_min]
    media = [t for t in able if not t.is_marks]
    rich = [t for t in media if t.span_s <= rules.rich_max_s]
    marks = [t for t in able if t.is_marks]
    others = [t for t in tracks if not t.is_marks]
    best = rich or marks or media or others
    return max(best, key=lambda t: (len(t.eligible), len(t.packets)), default=None)


def key_interval_s(packets: Iterable[Packet], until_s: float) -> float:
    """The longest wait for a key frame, of all pictures; the one that has not ended counts too.

    By timestamps: arrival varies with our own load. 0 where there is no picture."""
    video = MediaKind.VIDEO
    pictures: dict[int, list[Packet]] = {}
    for packet in packets:
        if packet.media is video and packet.arrived_s <= until_s:
            pictures.setdefault(packet.track, []).append(packet)
    return max(map(_longest_wait_s, pictures.values()), default=0.0)


def _longest_wait_s(pictures: Sequence[Packet]) -> float:
    before = key = pictures[0]
    longest_ms = 0
    for packet in pictures:
        if is_break(before, packet):
            key = packet
        waited_ms = packet.dts_ms - key.dts_ms
        if not 0 <= waited_ms < DTS_MODULUS_MS // 2:
            waited_ms = dts_difference_ms(packet.dts_ms, key.dts_ms)
        longest_ms = max(longest_ms, waited_ms)
        if packet.is_key:
            key = packet
        before = packet
    return longest_ms / 1000


def is_break(before: Packet, after: Packet) -> bool:
    """True between packets of one track if the stream, or our connection, began anew there."""
    if before.connection == after.connection and -1000 <= after.dts_ms - before.dts_ms <= 2000:
        return False  # nearly always: who comes next has arrived no earlier
    step_s = dts_difference_ms(after.dts_ms, before.dts_ms) / 1000
    waited_s = after.arrived_s - before.arrived_s
    return after.connection != before.connection or step_s < -1 or step_s - waited_s > 2


def breaks_of(track: Track) -> list[tuple[int, int]]:
    """Where a track begins anew: places of the packets before and behind each break."""
    packets, places = track.packets, track.places
    steps = enumerate(pairwise([(p.connection, p.dts_ms) for p in packets]))
    # Only a few are worth a closer look: this is done for every packet of every check.
    far = [
        at for at, ((a, ms), (b, next_ms)) in steps if a != b or not -1000 <= next_ms - ms <= 2000
    ]
    return [(places[at], places[at + 1]) for at in far if is_break(packets[at], packets[at + 1])]


def longest_s(earlier: Sequence[Packet], later: Sequence[Packet]) -> float:
    """Longest time between pairs, by their timestamps."""
    steps: list[int] = list(map(sub, map(_DTS, later), map(_DTS, earlier)))
    half = DTS_MODULUS_MS // 2
    if steps and min(steps) >= -half and max(steps) < half:
        return max(steps) / 1000  # nearly always: timestamps go round every 50 days
    return max((dts_difference_ms(step, 0) for step in steps), default=0) / 1000


def headers_of(packets: Sequence[Packet]) -> dict[TrackId, frozenset[str]]:
    """The digests of each track's codec headers."""
    found: dict[TrackId, set[str]] = {}
    header = Part.HEADER
    for packet in [p for p in packets if p.part is header]:
        found.setdefault(track_of(packet), set()).add(packet.digest)
    return {track: frozenset(digests) for track, digests in found.items()}
