"""What one capture holds against, and for, its node: packets that the ingest serves, and others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from operator import attrgetter

from coordinator.proof.captures import Capture, Reader
from coordinator.proof.packets import MediaKind, Packet, Part, dts_difference_ms, median
from coordinator.proof.timeline import Timeline
from coordinator.proof.tracks import Key, headers_of, judged_of, key_of, track_of

QUARTERS = 4
_BY_TIME = attrgetter("arrived_s", "dts_ms")


@dataclass(slots=True)
class Matching:
    """A capture sorted into what the reference knows and what it does not."""

    proven: dict[int, Packet] = field(default_factory=dict)
    """Eligible packets that were delivered: place in the window -> the node's packet."""
    delivered: set[int] = field(default_factory=set)
    """Those, and the packets that repeat and lie at the right timestamp: places in the window."""
    delays: list[tuple[float, float]] = field(default_factory=list)
    """(arrival at the reference, delay behind it) of the proven ones, in that order."""
    delay_s: float | None = None
    """The shortest of these delays."""
    current_bytes: int = 0
    old_bytes: int = 0
    """Bytes that the reference served before the window."""
    other_bytes: int = 0
    """Bytes that the reference never served, as far as it remembers."""
    strangers: int = 0
    """Packets among `old_bytes` and `other_bytes`."""
    added: int = 0
    """Packets of tracks that the reference has not at all."""
    misplaced: int = 0
    """Live packets at a timestamp that does not fit the others'."""
    is_readable: bool = True
    """Whether each track came with its codec header, and with no other one."""
    offset_span_ms: int = 0

    @property
    def foreign_ratio(self) -> float:
        """Bytes not served now, of all bytes."""
        foreign = self.old_bytes + self.other_bytes
        return foreign / max(1, foreign + self.current_bytes)

    @property
    def delay_growth_s(self) -> float | None:
        """Median delay of the newest quarter of the packets, beyond the shortest; or None."""
        newest = [delay for _, delay in self.delays[len(self.delays) * 3 // QUARTERS :]]
        return None if self.delay_s is None else max(0.0, median(newest) - self.delay_s)

    @property
    def newest_s(self) -> float | None:
        """When the reference got the newest packet that was matched, or None."""
        return self.delays[-1][0] if self.delays else None

    def creep_s(self, since_s: float) -> float:
        """How much the delay grew from the first quarter of the time to the last, if it grew in
        each; else 0. A stall grows in one of them, and what was kept for newcomers shrinks.

        Only packets from `since_s` on: older ones are a newcomer's first burst."""
        fresh = [delay for at_s, delay in self.delays if at_s >= since_s]
        if len(fresh) < QUARTERS:
            return 0.0
        edges = [len(fresh) * n // QUARTERS for n in range(QUARTERS + 1)]
        middles = [median(fresh[a:b]) for a, b in pairwise(edges)]
        is_steady = all(later > earlier for earlier, later in pairwise(middles))
        return middles[-1] - middles[0] if is_steady else 0.0


def matching_of(timeline: Timeline, capture: Capture) -> Matching:
    """Sort captured packets; a copy of a current packet counts once, of a foreign one always."""
    evidence = Matching()
    strangers: list[Packet] = []
    repeats: list[tuple[Key, Packet]] = []
    for packet in sorted(judged_of(capture.packets), key=_BY_TIME):
        if timeline.unshown and track_of(packet) in timeline.unshown:
            continue
        key = key_of(packet)
        place = timeline.places.last.get(key)
        if place is None:
            strangers.append(packet)
        elif not timeline.proves(place):
            repeats.append((key, packet))
        else:
            evidence.proven.setdefault(place, packet)
    evidence.current_bytes = bytes_of(evidence.proven.values()) + bytes_of(p for _, p in repeats)
    if strangers:  # rarely, so that nothing is kept of older packets otherwise
        _accuse(timeline, evidence, strangers)
    offsets = _drop_misplaced(timeline, evidence)
    evidence.delivered = set(evidence.proven)
    _place_repeats(timeline, evidence, repeats, offsets)
    refs = ((timeline.window[at].arrived_s, node) for at, node in evidence.proven.items())
    evidence.delays = sorted((at_s, node.arrived_s - at_s) for at_s, node in refs)
    if evidence.delays:
        evidence.delay_s = max(0.0, min(delay for _, delay in evidence.delays))
    evidence.is_readable = capture.reader is not Reader.OWN or _is_readable(timeline, capture)
    return evidence


def _accuse(timeline: Timeline, evidence: Matching, unknown: Sequence[Packet]) -> None:
    """Only packets of a track that the reference has seen whole can be strangers.

    Of a track that began late there, or that only the node's viewer caught, it lacks some."""
    tracks = {track.id: track for track in timeline.tracks}
    strangers = []
    for packet in unknown:
        track = tracks.get(track_of(packet))
        if packet.media is MediaKind.DATA or packet.size < timeline.rules.size_min:
            continue
        if track is None:
            evidence.added += timeline.is_warm
        elif timeline.is_whole(track):
            strangers.append(packet)
    older = {key_of(p) for p in timeline.older}
    evidence.strangers = len(strangers)
    evidence.old_bytes = bytes_of(p for p in strangers if key_of(p) in older)
    evidence.other_bytes = bytes_of(strangers) - evidence.old_bytes


def _drop_misplaced(timeline: Timeline, evidence: Matching) -> dict[int, int]:
    """Unmatch packets whose timestamp is off; gives the offset of each segment that has one.

    A segment of the stream has one offset for all: `dts_ref - dts_node`."""
    by_segment: dict[int, dict[int, int]] = {}
    for at, node in evidence.proven.items():
        offset_ms = dts_difference_ms(timeline.window[at].dts_ms, node.dts_ms)
        by_segment.setdefault(timeline.segments[at], {})[at] = offset_ms
    offsets: dict[int, int] = {}
    for number, segment in by_segment.items():
        base = next(iter(segment.values()))
        relative = {at: dts_difference_ms(value, base) for at, value in segment.items()}
        middle = median(list(relative.values()))
        tolerance = timeline.rules.offset_tolerance_ms
        kept = {at: value for at, value in relative.items() if abs(value - middle) <= tolerance}
        for at in relative.keys() - kept.keys():
            del evidence.proven[at]
            evidence.misplaced += 1
        span = max(kept.values()) - min(kept.values())
        evidence.offset_span_ms = max(evidence.offset_span_ms, span)
        offsets[number] = base + round(middle)
    return offsets


def _place_repeats(
    timeline: Timeline,
    evidence: Matching,
    repeats: Iterable[tuple[Key, Packet]],
    offsets: dict[int, int],
) -> None:
    """Packets that repeat are told apart by their timestamps, once these are known to fit.

    Each stands for the nearest place: sounds come closer together than the tolerance. Both sides
    are in order, so each of them is looked at once."""
    if not evidence.proven:
        return
    tolerance = timeline.rules.offset_tolerance_ms
    base_ms = evidence.proven[min(evidence.proven)].dts_ms
    next_of: dict[Key, int] = {}

    def late_ms(place: int, node: Packet) -> float:
        """How far a place lies behind a packet; nothing of some segments came."""
        offset_ms = offsets.get(timeline.segments[place])
        if offset_ms is None:
            return -inf
        at_ms = dts_difference_ms(timeline.window[place].dts_ms, node.dts_ms)
        return dts_difference_ms(at_ms, offset_ms)

    for key, node in sorted(repeats, key=lambda one: _order(one[1], base_ms)):
        places = timeline.places.of(key)
        n = next_of.get(key, 0)
        while n < len(places) and late_ms(places[n], node) < -tolerance:
            n += 1
        while n + 1 < len(places) and _is_nearer(
            late_ms(places[n + 1], node), late_ms(places[n], node)
        ):
            n += 1
        if n < len(places) and late_ms(places[n], node) <= tolerance:
            evidence.delivered.add(places[n])
            n += 1
        next_of[key] = n


def _is_nearer(later_ms: float, earlier_ms: float) -> bool:
    return abs(later_ms) < abs(earlier_ms)


def _order(packet: Packet, base_ms: int) -> tuple[float, int]:
    """A burst comes at one instant; timestamps go round."""
    return packet.arrived_s, dts_difference_ms(packet.dts_ms, base_ms)


def _is_readable(timeline: Timeline, capture: Capture) -> bool:
    """Whether players can decode what came: a header of the reference's, and none that is not.

    In the middle of a connection a header came long before."""
    brought = headers_of(capture.packets)
    played = {track_of(p) for p in capture.packets if p.part is Part.FRAMES}
    for track, known in timeline.headers.items():
        came = brought.get(track, frozenset())
        is_missing = track in played and not came and timeline.is_joined
        if is_missing or not came <= known:
            return False
    return True


def bytes_of(packets: Iterable[Packet]) -> int:
    """Payload bytes of packets."""
    return sum(p.size for p in packets)
