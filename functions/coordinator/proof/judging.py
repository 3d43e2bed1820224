"""Proof of relay: the packets a node serves must be the packets the ingest serves now.

Pure: reference packets + captured packets -> a verdict with its numbers. A match means something
only inside a window around now, and only for payloads that occur once in it: encoders repeat black
frames and silence, loops repeat everything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from coordinator.checking.checks import Verdict
from coordinator.proof.captures import Capture
from coordinator.proof.matching import Matching, bytes_of, matching_of
from coordinator.proof.packets import Packet
from coordinator.proof.timeline import (
    ProofParameters,
    Timeline,
    Track,
    capture_seconds,
    key_of,
    timeline_of,
)
from coordinator.reasons import Reason

__all__ = ["Capture", "Packet", "Proof", "ProofParameters", "Verdict", "capture_seconds", "judge"]


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
    delay_growth_s: float | None = None
    """How much later the newest quarter of the matched packets came than that, at the median."""

    def is_doubtful(self, parameters: ProofParameters | None = None) -> bool:
        """True for a pass that should be repeated with `capture_max_s` before it counts.

        A short capture cannot tell a connection that stalled for a second from one that carries
        half of the stream, or that stops after some kB: in all of them packets came later and
        later, or the last ones not at all. A long one can.
        """
        rules = parameters or ProofParameters()
        if self.verdict is not Verdict.PASS:
            return False
        missing_s = (self.lag_s or 0.0) - (self.delay_s or 0.0)
        return (self.delay_growth_s or 0.0) > rules.growth_max_s or missing_s > rules.tail_max_s


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
    evidence = matching_of(timeline, capture)
    proof, reason = _measure(timeline, evidence, capture)
    if reason is None:
        return _decided(proof, Verdict.PASS, Reason.PASSED)
    unusable_reason = timeline.unusable_reason()
    if unusable_reason is None and reason in _ACCUSATIONS and not timeline.is_warm:
        unusable_reason = Reason.UNKNOWN_REFERENCE
    if unusable_reason is not None:
        return _decided(proof, Verdict.UNKNOWN, unusable_reason)
    return _decided(proof, Verdict.FAIL, reason)


_ACCUSATIONS = frozenset({Reason.WRONG_CONTENT, Reason.REPLAYED, Reason.LAGGING})
"""Reasons that need a reference which has seen the whole window."""


def _measure(
    timeline: Timeline, evidence: Matching, capture: Capture
) -> tuple[Proof, Reason | None]:
    """The numbers of a check, and why it does not pass (None: it passes)."""
    due = [_due(timeline, track, evidence) for track in timeline.judged]
    got = _delivered(due[0], evidence) if due else []
    newest_s = evidence.newest_s
    least = timeline.parameters.packets_min  # sound decides nothing where there is little of it
    held = [due[0]] if due and due[0] else []
    held += [track_due for track_due in due[1:] if len(track_due) >= least]
    proof = Proof(
        Verdict.UNKNOWN,
        Reason.UNKNOWN_REFERENCE,
        received=len(capture.packets),
        eligible=len(due[0]) if due else 0,
        matched=len(got),
        byte_ratio=min((_share(packets, evidence, bytes_of) for packets in held), default=0.0),
        packet_ratio=min((_share(packets, evidence, len) for packets in held), default=0.0),
        foreign_ratio=evidence.foreign_ratio,
        keyframes=sum(p.is_key for p in got),
        offset_span_ms=evidence.offset_span_ms,
        lag_s=None if newest_s is None else max(0.0, capture.ended_s - newest_s),
        delay_s=evidence.delay_s,
        delay_growth_s=evidence.delay_growth_s,
    )
    return proof, _objection(proof, timeline, evidence, capture)


def _due(timeline: Timeline, track: Track, evidence: Matching) -> list[Packet]:
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


def _delivered(due: Sequence[Packet], evidence: Matching) -> list[Packet]:
    return [p for p in due if key_of(p) in evidence.matched]


def _share(
    due: Sequence[Packet], evidence: Matching, weigh: Callable[[Sequence[Packet]], int]
) -> float:
    return weigh(_delivered(due, evidence)) / weigh(due)


def _objection(
    proof: Proof, timeline: Timeline, evidence: Matching, capture: Capture
) -> Reason | None:
    rules = timeline.parameters
    if not capture.packets:
        return capture.failure or Reason.NO_STREAM
    is_clean = evidence.foreign_ratio <= 1 - rules.share_min
    if not is_clean and evidence.strangers >= rules.evidence_min:
        is_recording = evidence.old_bytes >= evidence.other_bytes
        return Reason.REPLAYED if is_recording else Reason.WRONG_CONTENT
    if proof.delay_s is not None and proof.delay_s > rules.lag_max_s:
        return Reason.LAGGING
    is_late = proof.lag_s is None or proof.lag_s > rules.lag_max_s
    has_start = bool(timeline.judged) and (proof.keyframes > 0 or not timeline.judged[0].is_video)
    is_whole = min(proof.byte_ratio, proof.packet_ratio) >= rules.share_min
    is_enough = proof.matched >= rules.packets_min
    if is_clean and is_whole and is_enough and has_start and not is_late:
        return None
    newest_s = max(p.arrived_s for p in capture.packets)
    stopped = newest_s < capture.ended_s - rules.stall_s
    return Reason.STALLED if stopped else Reason.TOO_SLOW


def _decided(proof: Proof, verdict: Verdict, reason: Reason) -> Proof:
    return replace(proof, verdict=verdict, reason=reason)
