"""What one capture holds against, and for, its node: packets that the ingest serves, and others."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from coordinator.proof.captures import Capture
from coordinator.proof.packets import Packet, dts_difference_ms, median
from coordinator.proof.timeline import Key, Timeline, key_of


@dataclass(slots=True)
class Matching:
    """A capture sorted into what the reference knows and what it does not."""

    matched: dict[Key, tuple[Packet, Packet]] = field(default_factory=dict)
    """Eligible packets that were delivered: identity -> (reference's, node's)."""
    current_bytes: int = 0
    old_bytes: int = 0
    """Bytes that the reference served before the window."""
    other_bytes: int = 0
    """Bytes that the reference never served, as far as it remembers."""
    strangers: int = 0
    """Packets among `old_bytes` and `other_bytes`."""
    offset_span_ms: int = 0

    @property
    def foreign_ratio(self) -> float:
        """Bytes not served now, of all bytes."""
        foreign = self.old_bytes + self.other_bytes
        return foreign / max(1, foreign + self.current_bytes)

    @property
    def delay_s(self) -> float | None:
        """The shortest delay of a matched packet behind the reference, or None."""
        delays = [node.arrived_s - ref.arrived_s for ref, node in self.matched.values()]
        return max(0.0, min(delays)) if delays else None

    @property
    def delay_growth_s(self) -> float | None:
        """Median delay of the newest quarter of the packets, beyond the shortest; or None."""
        pairs = sorted(self.matched.values(), key=lambda pair: pair[0].arrived_s)
        newest = [node.arrived_s - ref.arrived_s for ref, node in pairs[len(pairs) * 3 // 4 :]]
        return None if self.delay_s is None else max(0.0, median(newest) - self.delay_s)

    @property
    def newest_s(self) -> float | None:
        """When the reference got the newest packet that was matched, or None."""
        return max((ref.arrived_s for ref, _ in self.matched.values()), default=None)


def matching_of(timeline: Timeline, capture: Capture) -> Matching:
    """Sort captured packets; a copy of a current packet counts once, of a foreign one always."""
    rules, eligible = timeline.parameters, timeline.eligible
    evidence = Matching()
    seen: set[Key] = set()
    strangers: list[Packet] = []
    for packet in sorted(capture.packets, key=lambda p: (p.arrived_s, p.dts_ms)):
        key = key_of(packet)
        if key in timeline.known:
            evidence.current_bytes += 0 if key in seen else packet.size
            if key in eligible and key not in seen:
                evidence.matched[key] = (eligible[key], packet)
            seen.add(key)
        elif packet.size >= rules.size_min:
            strangers.append(packet)
    if strangers:  # rarely, so that nothing is kept of older packets otherwise
        older = {key_of(p) for p in timeline.older}
        evidence.strangers = len(strangers)
        evidence.old_bytes = bytes_of([p for p in strangers if key_of(p) in older])
        evidence.other_bytes = bytes_of(strangers) - evidence.old_bytes
    _drop_misplaced(timeline, evidence)
    return evidence


def _drop_misplaced(timeline: Timeline, evidence: Matching) -> None:
    """Unmatch packets whose timestamp is off: a segment of the stream has one offset for all."""
    offsets: dict[int, dict[Key, int]] = {}
    for key, (ref, node) in evidence.matched.items():
        segment = offsets.setdefault(timeline.segment_of[key], {})
        segment[key] = dts_difference_ms(ref.dts_ms, node.dts_ms)
    for segment in offsets.values():
        base = next(iter(segment.values()))
        relative = {key: dts_difference_ms(value, base) for key, value in segment.items()}
        middle = median(list(relative.values()))
        tolerance = timeline.parameters.offset_tolerance_ms
        kept = {k: v for k, v in relative.items() if abs(v - middle) <= tolerance}
        for key in relative.keys() - kept.keys():
            del evidence.matched[key]
        span = max(kept.values()) - min(kept.values())
        evidence.offset_span_ms = max(evidence.offset_span_ms, span)


def bytes_of(packets: Sequence[Packet]) -> int:
    """Payload bytes of packets."""
    return sum(p.size for p in packets)
