"""Very long captures: some spans of them are judged like short checks, the rest is counted.

A viewer stays longer than a check lasts. What would take a hash of every packet for two minutes
to find, a drawn span finds as well: a node does not know which it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from coordinator.checking.checks import Verdict
from coordinator.proof.captures import Capture, Span
from coordinator.proof.cuts import lasted_s, media_of
from coordinator.proof.judging import Proof, excused, judge
from coordinator.proof.packets import Packet
from coordinator.proof.parameters import ProofParameters
from coordinator.proof.remembered import Remembered, remembered
from coordinator.reasons import Reason

PACKETS_MIN = 3
"""Of a span: all of them together prove as much as one short check."""
QUIET_MAX = 3
"""So many whole seconds without a packet are more than a stall."""
COUNTED_MIN = 0.9
"""Of the reference's packets and bytes in the same seconds: both ends of each are blurred."""
SETTLED_S = 5.0
"""Before it a newcomer's first burst makes up for what came later."""


def judge_capture(
    reference: Sequence[Packet] | Remembered,
    capture: Capture,
    parameters: ProofParameters | None = None,
    *,
    gop_s: float | None = None,
) -> Proof:
    """Hold any capture against what the ingest served (`coordinator.proof.judging.judge`)."""
    rules = parameters or ProofParameters()
    if not capture.read or capture.failure is not None:
        return judge(reference, capture, rules, gop_s=gop_s)
    share = PACKETS_MIN / rules.packets_min  # or slides would lead, which prove too little
    span_rules = replace(rules, packets_min=PACKETS_MIN, rich_max_s=rules.rich_max_s * share)
    past = remembered(reference)
    proofs = [
        judge(past, within(capture, span), span_rules, is_joined=False, gop_s=gop_s)
        for span in sorted(capture.read, key=lambda span: span.since_s)
    ]
    whole = _together(proofs, rules)
    reason = _objection(past, capture, proofs, rules) if whole.verdict is Verdict.PASS else None
    if reason is not None:
        whole = excused(replace(whole, verdict=Verdict.FAIL, reason=reason), capture, rules)
    if whole.verdict is not Verdict.FAIL:
        return whole
    found_s = lasted_s(past, capture, whole.reason, span_rules, gop_s)
    return replace(whole, lasted_s=found_s)


def within(capture: Capture, span: Span) -> Capture:
    """One span of a capture, as if nothing else had been read."""
    came = tuple(p for p in capture.packets if span.holds(p.arrived_s))
    since_s, until_s = span.since_s, span.until_s
    return replace(capture, started_s=since_s, ended_s=until_s, packets=came, read=(), counts=())


def _together(proofs: Sequence[Proof], rules: ProofParameters) -> Proof:
    """One proof of all spans: a failed one fails it, and one that says nothing says nothing."""
    failed = [proof for proof in proofs if proof.verdict is Verdict.FAIL]
    passed = [proof for proof in proofs if proof.verdict is Verdict.PASS]
    lead = (failed or passed or list(proofs))[0]
    matched = sum(proof.matched for proof in proofs)
    told = replace(
        lead,
        received=sum(proof.received for proof in proofs),
        eligible=sum(proof.eligible for proof in proofs),
        matched=matched,
        byte_ratio=min(proof.byte_ratio for proof in passed or proofs),
        packet_ratio=min(proof.packet_ratio for proof in passed or proofs),
        keyframes=sum(proof.keyframes for proof in proofs),
        strangers=sum(proof.strangers for proof in proofs),
        offset_span_ms=max(proof.offset_span_ms for proof in proofs),
        lag_s=_most(proof.lag_s for proof in proofs),
        delay_s=_most(proof.delay_s for proof in proofs),
        delay_growth_s=_most(proof.delay_growth_s for proof in proofs),
        creep_s=max(proof.creep_s for proof in proofs),
    )
    if told.verdict is Verdict.PASS and matched < rules.packets_min:
        return replace(told, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_REFERENCE)
    return told


def _objection(
    past: Remembered, capture: Capture, proofs: Sequence[Proof], rules: ProofParameters
) -> Reason | None:
    """What the seconds between the spans tell, and the spans beside each other."""
    delays = [proof.delay_s for proof in proofs if proof.delay_s is not None]
    if delays and delays[-1] - delays[0] > rules.growth_max_s:
        return Reason.FALLING_BEHIND
    quiet_s = capture.started_s + rules.setup_s
    heard = [span.since_s for span in capture.read] + [count.at_s for count in capture.counts]
    steps = sorted([at_s for at_s in heard if at_s >= quiet_s])
    for before_s, after_s in pairwise(steps):
        silent = Span(_end_s(capture, before_s), after_s)
        if silent.until_s - silent.since_s >= QUIET_MAX and _is_busy(past, silent):
            return Reason.STALLED
    return Reason.TOO_SLOW if _is_thin(past, capture) else None


def _end_s(capture: Capture, since_s: float) -> float:
    """When a span or a counted second that began then was over."""
    return next((s.until_s for s in capture.read if s.since_s == since_s), since_s + 1)


def _is_busy(past: Remembered, span: Span) -> bool:
    """Whether the ingest served media in each second of a span."""
    during = media_of(past.within(span.since_s, span.until_s))
    seconds = {int(p.arrived_s - span.since_s) for p in during if span.holds(p.arrived_s)}
    return len(seconds) >= int(span.until_s - span.since_s)


def _is_thin(past: Remembered, capture: Capture) -> bool:
    """Whether less came in the counted seconds than the ingest served in them."""
    settled_s = capture.started_s + SETTLED_S
    counts = [count for count in capture.counts if count.at_s >= settled_s]
    wanted = {round(count.at_s, 3): count for count in counts}
    if not wanted:
        return False
    first_s = min(wanted)
    served = [
        packet
        for packet in media_of(past.within(first_s - 1, max(wanted) + 1))
        if round(first_s + int(packet.arrived_s - first_s), 3) in wanted
    ]
    came = sum(count.packets for count in counts), sum(count.size for count in counts)
    due = len(served), sum(packet.size for packet in served)
    return any(c < COUNTED_MIN * d for c, d in zip(came, due, strict=True))


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
