"""Proof of relay: the packets a node serves must be the packets the ingest serves now.

Pure: reference packets + captured packets -> a verdict with its numbers. A match means something
only inside a window around now, and only for payloads that occur once in it: encoders repeat black
frames and silence, loops repeat everything. What repeats must be there as well, at its timestamp.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from coordinator.checking.checks import Verdict
from coordinator.checking.lengths import is_cut
from coordinator.proof.captures import Capture
from coordinator.proof.matching import Matching, matching_of
from coordinator.proof.packets import MediaKind, Packet
from coordinator.proof.parameters import ProofParameters
from coordinator.proof.remembered import Remembered
from coordinator.proof.stream_pace import capture_seconds
from coordinator.proof.timeline import Timeline, timeline_of
from coordinator.proof.track_shares import share_of
from coordinator.proof.tracks import is_judged
from coordinator.reasons import Reason

__all__ = ["Capture", "Packet", "Proof", "ProofParameters", "Verdict", "capture_seconds", "judge"]

OF_TIME = frozenset({
    Reason.UNREACHABLE, Reason.NO_STREAM, Reason.STALLED, Reason.TOO_SLOW, Reason.UNMARKED,
    Reason.LAGGING, Reason.FALLING_BEHIND,
})  # fmt: skip
"""What a machine that is late may find of anybody; wrong content is wrong however late."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A verdict with the numbers that anyone needs to follow it."""

    verdict: Verdict
    reason: Reason
    received: int = 0
    """Packets captured, copies included."""
    eligible: int = 0
    """Packets of the leading track that the node had to deliver."""
    matched: int = 0
    """Those of them that it did deliver, at the right timestamp."""
    byte_ratio: float = 0.0
    """Matched bytes of due bytes, on the track that has the least."""
    packet_ratio: float = 0.0
    """Matched packets of due packets, likewise."""
    foreign_ratio: float = 0.0
    """Captured bytes that the ingest does not serve now, of all captured bytes."""
    strangers: int = 0
    """Packets that the ingest does not serve now, on tracks that the reference has seen whole."""
    keyframes: int = 0
    offset_span_ms: int = 0
    """How much `dts_ref - dts_node` varied among the matched packets."""
    lag_s: float | None = None
    """End of the capture minus the reference's arrival of the newest matched packet."""
    delay_s: float | None = None
    """The shortest time by which a matched packet came later than at the reference."""
    delay_growth_s: float | None = None
    """How much later the newest quarter of the matched packets came than that, at the median."""
    creep_s: float = 0.0
    """How much the delay grew, if it did so from quarter to quarter of the capture."""
    lasted_s: float | None = None
    """Of a very long connection that failed while the ingest served one unbroken run: for how long
    media came."""

    @property
    def is_cut(self) -> bool:
        """Whether it began, and failed later: a new connection does not make that good."""
        return is_cut(self.lasted_s)

    def is_doubtful(self, parameters: ProofParameters | None = None) -> bool:
        """True for a pass that should be repeated with `doubt_s` before it counts.

        A short capture cannot tell a connection that stalled for a second from one that carries
        half of the stream, or that stops after some kB: in all of them packets came later and
        later, or the last ones not at all. A long one can.
        """
        rules = parameters or ProofParameters()
        if self.verdict is not Verdict.PASS:
            return False
        missing_s = (self.lag_s or 0.0) - (self.delay_s or 0.0)
        grows = (
            self.delay_growth_s or 0.0
        ) > rules.growth_max_s or self.creep_s > rules.creep_max_s
        return grows or missing_s > rules.tail_max_s


def judge(
    reference: Sequence[Packet] | Remembered,
    capture: Capture,
    parameters: ProofParameters | None = None,
    *,
    is_joined: bool = True,
    gop_s: float | None = None,
) -> Proof:
    """Hold a capture against what the ingest served.

    `reference`: the ingest's packets from 25 s (better 120 s: that tells recordings from other
    content) before the capture to 1 s after it, in any order; so judge at `ended_s + grace_s`.
    UNKNOWN depends on the reference and on the capture's planned length alone, never on what
    the node did. `is_joined` is false for a span from the middle of a connection. `gop_s` is the
    longest wait for a key frame before it, if it is known.
    """
    rules = parameters or ProofParameters()
    if capture.failure is not None and capture.failure.is_ours:
        return Proof(Verdict.UNKNOWN, capture.failure)
    timeline = timeline_of(reference, capture, rules, is_joined=is_joined, gop_s=gop_s)
    if capture.failure is Reason.UNREACHABLE:  # a closed port needs no history to be one
        if timeline.is_down():
            return Proof(Verdict.UNKNOWN, Reason.UNKNOWN_INGEST_DOWN)
        return excused(Proof(Verdict.FAIL, Reason.UNREACHABLE), capture, rules)
    evidence = matching_of(timeline, capture)
    proof, reason = _measure(timeline, evidence, capture)
    if reason is None:
        return _passed(proof, capture, rules)
    unusable_reason = _excuse(timeline, evidence, capture)
    if unusable_reason is not None:
        return _decided(proof, Verdict.UNKNOWN, unusable_reason)
    return excused(_decided(proof, Verdict.FAIL, reason), capture, rules)


def excused(proof: Proof, capture: Capture, rules: ProofParameters) -> Proof:
    """The proof; a failure that only time tells says nothing where our own machine was late."""
    if proof.verdict is Verdict.FAIL and capture.late_s > rules.busy_s and proof.reason in OF_TIME:
        return _decided(proof, Verdict.UNKNOWN, Reason.UNKNOWN_BUSY)
    return proof


def _passed(proof: Proof, capture: Capture, rules: ProofParameters) -> Proof:
    """The proof; nobody passes who may be too far behind, were our own machine not late.

    The reference is read as late as the machine is, so who is behind it seems to be less so.
    Honest nodes are never half as far behind."""
    delay_s = proof.delay_s or 0.0
    if delay_s > rules.lag_max_s / 2 and delay_s + capture.late_s > rules.lag_max_s:
        return _decided(proof, Verdict.UNKNOWN, Reason.UNKNOWN_BUSY)
    return _decided(proof, Verdict.PASS, Reason.PASSED)


def _excuse(timeline: Timeline, evidence: Matching, capture: Capture) -> Reason | None:
    """Why a failure cannot be held against the node: by the reference alone.

    Nothing at all needs no proof, only something that no relay could hold back."""
    is_owed = timeline.is_owed()
    if is_empty(capture) and is_owed:
        return None
    unusable_reason = timeline.unusable_reason()
    if unusable_reason is not None or evidence.strangers:
        return unusable_reason
    is_silent = is_empty(capture) or not evidence.proven
    is_too_little = not timeline.owes_enough() or (is_silent and not is_owed)
    return Reason.UNKNOWN_REFERENCE if is_too_little else None


def _measure(
    timeline: Timeline, evidence: Matching, capture: Capture
) -> tuple[Proof, Reason | None]:
    """The numbers of a check, and why it does not pass (None: it passes)."""
    shares = {
        track.id: share_of(timeline, track, evidence)
        for track in timeline.tracks
        if not track.is_marks or track is timeline.lead
    }
    held = [share for share in shares.values() if share.due]
    lead = shares[timeline.lead.id].places if timeline.lead else []
    eligible = [at for at in lead if timeline.proves(at)]
    newest_s = evidence.newest_s
    proof = Proof(
        Verdict.UNKNOWN,
        Reason.UNKNOWN_REFERENCE,
        received=len(capture.packets),
        eligible=len(eligible),
        matched=sum(at in evidence.proven for at in eligible),
        byte_ratio=min((share.byte_ratio for share in held), default=0.0),
        packet_ratio=min((share.packet_ratio for share in held), default=0.0),
        foreign_ratio=evidence.foreign_ratio,
        strangers=evidence.strangers,
        keyframes=sum(timeline.begins_picture(at) for at in evidence.delivered),
        offset_span_ms=evidence.offset_span_ms,
        lag_s=None if newest_s is None else max(0.0, capture.ended_s - newest_s),
        delay_s=evidence.delay_s,
        delay_growth_s=evidence.delay_growth_s,
        creep_s=evidence.creep_s(timeline.started_s),
    )
    has_keys = all(share.has_keys for share in held)
    return proof, _accusation(proof, timeline, evidence, capture) or _shortfall(
        proof, timeline, evidence, capture, has_keys=has_keys
    )


def _accusation(
    proof: Proof, timeline: Timeline, evidence: Matching, capture: Capture
) -> Reason | None:
    """What is wrong with that which came, however much it is; the worst comes first."""
    rules = timeline.rules
    is_recording = evidence.old_bytes >= evidence.other_bytes
    is_long = capture.ended_s - capture.started_s >= rules.growing_s
    found = {
        capture.failure or Reason.NO_STREAM: is_empty(capture),
        Reason.REPLAYED: evidence.strangers >= rules.evidence_min and is_recording,
        Reason.WRONG_CONTENT: evidence.strangers >= rules.evidence_min,
        Reason.WRONG_HEADER: not evidence.is_readable,
        Reason.ALTERED: evidence.strangers + evidence.added > 0,
        Reason.LAGGING: (proof.delay_s or 0.0) > rules.lag_max_s,
        Reason.FALLING_BEHIND: is_long and proof.creep_s > rules.growth_max_s,
    }
    return next((reason for reason, is_so in found.items() if is_so), None)


def _shortfall(
    proof: Proof, timeline: Timeline, evidence: Matching, capture: Capture, *, has_keys: bool
) -> Reason | None:
    """What is missing, and why it may be."""
    rules = timeline.rules
    is_late = proof.lag_s is None or proof.lag_s > timeline.lag_max_s
    is_shown = timeline.is_shown(evidence.delivered, proof.delay_s or 0.0)
    is_whole = (
        has_keys and is_shown and min(proof.byte_ratio, proof.packet_ratio) >= rules.share_min
    )
    if is_whole and proof.matched >= rules.packets_min and not is_late:
        return None
    if evidence.misplaced >= rules.evidence_min:
        return Reason.TIMESTAMPS
    if timeline.lead is not None and timeline.lead.is_marks and not proof.matched:
        return Reason.UNMARKED
    newest_s = max(p.arrived_s for p in capture.packets)
    stopped = newest_s < capture.ended_s - rules.stall_s
    return Reason.STALLED if stopped else Reason.TOO_SLOW


def is_empty(capture: Capture) -> bool:
    """Whether nothing came that anybody could see or hear."""
    return not any(is_judged(p) and p.media is not MediaKind.DATA for p in capture.packets)


def _decided(proof: Proof, verdict: Verdict, reason: Reason) -> Proof:
    return replace(proof, verdict=verdict, reason=reason)
