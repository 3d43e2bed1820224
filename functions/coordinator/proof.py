"""Proof of relay: the packets a node serves must be the packets the ingest serves now.

Pure: reference packets + captured packets -> a verdict with its numbers. The rule and how it was
measured: docs/adr. A match means something only inside a window around now, and only for
payloads that occur once in it: encoders repeat black frames and silence, loops repeat everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from coordinator.packets import Capture, Packet, dts_difference_ms, median
from coordinator.reasons import Reason
from coordinator.timeline import (
    Key,
    ProofParameters,
    Timeline,
    Track,
    capture_seconds,
    key_of,
    timeline_of,
)

__all__ = ["Capture", "Packet", "Proof", "ProofParameters", "Verdict", "capture_seconds", "judge"]


class Verdict(StrEnum):
    """What one check says about a node."""

    PASS = "pass"  # noqa: S105  # a verdict, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Proof:
    """A verdict with the numbers that anyone needs to follow it."""

    verdict: Verdict
    reason: Reason
    received: int = 0
    """Packets captured, copies included."""
    eligible: int = 0
    """Packets of the deciding track that the node had to deliver."""
    matched: int = 0
    """Those of them that it did deliver, at the right timestamp."""
    byte_ratio: float = 0.0
    """Matched bytes of eligible bytes, the lower one of picture and sound."""
    packet_ratio: float = 0.0
    """Matched packets of eligible packets, likewise."""
    foreign_ratio: float = 0.0
    """Captured bytes that the ingest does not serve now, of all captured bytes."""
    keyframes: int = 0
    offset_span_ms: int = 0
    """How much `dts_ref - dts_node` varied among the matched packets."""
    lag_s: float | None = None
    """End of the capture minus the reference's arrival of the newest matched packet."""
    delay_s: float | None = None
    """The shortest time by which a matched packet came later than at the reference."""


@dataclass(slots=True)
class _Evidence:
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
    def newest_s(self) -> float | None:
        """When the reference got the newest packet that was matched, or None."""
        return max((ref.arrived_s for ref, _ in self.matched.values()), default=None)


def judge(
    reference: Sequence[Packet], capture: Capture, parameters: ProofParameters | None = None
) -> Proof:
    """Hold a capture against what the ingest served.

    `reference`: the ingest's packets from 20 s (better 120 s: that tells recordings from other
    content) before the capture to 1 s after it, in any order; so judge at `ended_s + grace_s`.
    UNKNOWN depends on the reference and on the capture's planned length alone, never on what
    the node did.
    """
    rules = parameters or ProofParameters()
    if capture.failure is not None and capture.failure.is_ours:
        return Proof(Verdict.UNKNOWN, capture.failure)
    timeline = timeline_of(reference, capture, rules)
    if capture.failure is Reason.UNREACHABLE:  # a closed port needs no history to be one
        if timeline.is_down():
            return Proof(Verdict.UNKNOWN, Reason.UNKNOWN_INGEST_DOWN)
        return Proof(Verdict.FAIL, Reason.UNREACHABLE)
    evidence = _sort_packets(timeline, capture)
    proof, reason = _measure(timeline, evidence, capture)
    if reason is None:
        return _decided(proof, Verdict.PASS, Reason.PASSED)
    poverty = timeline.poverty()
    if poverty is None and reason in _ACCUSATIONS and not timeline.is_warm:
        poverty = Reason.UNKNOWN_REFERENCE
    if poverty is not None:
        return _decided(proof, Verdict.UNKNOWN, poverty)
    return _decided(proof, Verdict.FAIL, reason)


_ACCUSATIONS = frozenset({Reason.WRONG_CONTENT, Reason.REPLAYED, Reason.LAGGING})
"""Reasons that need a reference which has seen the whole window."""


def _sort_packets(timeline: Timeline, capture: Capture) -> _Evidence:
    """Sort captured packets; a copy of a current packet counts once, of a foreign one always."""
    rules, eligible = timeline.parameters, timeline.eligible
    evidence = _Evidence()
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
        evidence.old_bytes = _bytes([p for p in strangers if key_of(p) in older])
        evidence.other_bytes = _bytes(strangers) - evidence.old_bytes
    _drop_misplaced(timeline, evidence)
    return evidence


def _drop_misplaced(timeline: Timeline, evidence: _Evidence) -> None:
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


def _measure(
    timeline: Timeline, evidence: _Evidence, capture: Capture
) -> tuple[Proof, Reason | None]:
    """The numbers of a check, and why it does not pass (None: it passes)."""
    due = [_due(timeline, track, evidence) for track in timeline.judged]
    got = [[p for p in track_due if key_of(p) in evidence.matched] for track_due in due]
    newest_s = evidence.newest_s
    held = [d and (d is due[0] or len(d) >= timeline.parameters.packets_min) for d in due]
    pairs = [
        pair for pair, is_held in zip(zip(got, due, strict=True), held, strict=True) if is_held
    ]
    proof = Proof(
        Verdict.UNKNOWN,
        Reason.UNKNOWN_REFERENCE,
        received=len(capture.packets),
        eligible=len(due[0]) if due else 0,
        matched=len(got[0]) if got else 0,
        byte_ratio=min((_bytes(g) / _bytes(d) for g, d in pairs), default=0.0),
        packet_ratio=min((len(g) / len(d) for g, d in pairs), default=0.0),
        foreign_ratio=evidence.foreign_ratio,
        keyframes=sum(p.is_key for p in got[0]) if got else 0,
        offset_span_ms=evidence.offset_span_ms,
        lag_s=None if newest_s is None else max(0.0, capture.ended_s - newest_s),
        delay_s=evidence.delay_s,
    )
    return proof, _objection(proof, timeline, evidence, capture)


def _due(timeline: Timeline, track: Track, evidence: _Evidence) -> list[Packet]:
    """The eligible packets of a track that a node had to deliver in its capture.

    From its first match, or the first packet that it cannot have missed if that came before, to
    its last match, or to the end of the capture minus its own delay and one honest stall. So
    silence, late starts, gaps and slowness all lower one and the same share.
    """
    rules, matched = timeline.parameters, evidence.matched
    arrivals = [p.arrived_s for p in track.eligible if key_of(p) in matched]
    since_s = timeline.started_s + rules.setup_s
    start_s = timeline.judged[0].start_s(since_s)  # servers may hold sound back for the picture
    delay_s = rules.lag_max_s if evidence.delay_s is None else evidence.delay_s
    first_s = min([*arrivals, since_s if start_s is None else start_s])
    last_s = max([*arrivals, timeline.ended_s - delay_s - rules.stall_s])
    return [p for p in track.eligible if first_s <= p.arrived_s <= last_s]


def _objection(
    proof: Proof, timeline: Timeline, evidence: _Evidence, capture: Capture
) -> Reason | None:
    rules = timeline.parameters
    if not capture.packets:
        return capture.failure or Reason.NO_STREAM
    if evidence.foreign_ratio > 1 - rules.share_min and evidence.strangers >= rules.evidence_min:
        is_recording = evidence.old_bytes >= evidence.other_bytes
        return Reason.REPLAYED if is_recording else Reason.WRONG_CONTENT
    if proof.delay_s is not None and proof.delay_s > rules.lag_max_s:
        return Reason.LAGGING
    is_late = proof.lag_s is None or proof.lag_s > rules.lag_max_s
    has_start = bool(timeline.judged) and (proof.keyframes > 0 or not timeline.judged[0].is_video)
    is_whole = min(proof.byte_ratio, proof.packet_ratio) >= rules.share_min
    if is_whole and has_start and not is_late and proof.matched >= rules.packets_min:
        return None
    newest_s = max(p.arrived_s for p in capture.packets)
    stopped = newest_s < capture.ended_s - rules.stall_s
    return Reason.STALLED if stopped else Reason.TOO_SLOW


def _bytes(packets: Sequence[Packet]) -> int:
    return sum(p.size for p in packets)


def _decided(proof: Proof, verdict: Verdict, reason: Reason) -> Proof:
    return replace(proof, verdict=verdict, reason=reason)
