"""One spot check: connect, compare with the ingest, repeat a failure at once before it counts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from coordinator.adapters.clock import Clock
from coordinator.adapters.outbound import Outbound
from coordinator.adapters.rtmp_probe import RtmpProbe
from coordinator.adapters.rtmp_reference import Reference
from coordinator.addresses import AddressRefused
from coordinator.checks import Check, Verdict
from coordinator.packets import Capture
from coordinator.proof import Proof, ProofParameters, capture_seconds, judge
from coordinator.reasons import Reason
from coordinator.rtmp import RtmpAddress
from prober.drawing import Due

LATE_MAX_S = 2.0
"""A check that begins later than this after its drawn second is not made any more."""
MEMORY_S = 120.0
"""How far back the reference is read: that tells recordings from other content."""


@dataclass
class Checker:
    """Makes checks, at most `at_once` of them together."""

    probe: RtmpProbe
    outbound: Outbound
    parameters: ProofParameters
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    capacity: "Capacity"

    async def check(self, due: Due, draw: int, reference: Reference) -> Check:
        """The check at its drawn second, its retest included."""
        await self.sleep(max(0.0, due.due_s - self.clock()))
        if self.clock() > due.due_s + LATE_MAX_S:
            return _check(due, draw, Verdict.UNKNOWN, Reason.UNKNOWN_LATE, [])
        if not self.capacity.take():
            return _check(due, draw, Verdict.UNKNOWN, Reason.UNKNOWN_CAPACITY, [])
        try:
            first = await self._attempt(due, reference)
            attempts = [first]
            if first.proof.verdict.value == "fail":
                attempts.append(await self._attempt(due, reference))
        finally:
            self.capacity.give_back()
        verdict, reason = _decide([attempt.proof for attempt in attempts])
        return _check(due, draw, verdict, reason, [attempt.evidence for attempt in attempts])

    async def _attempt(self, due: Due, reference: Reference) -> "_Attempt":
        """One connection, held against what the ingest served in that time."""
        started_s = self.clock()
        capture = await self._capture(due, reference, started_s)
        await self.sleep(max(0.0, capture.ended_s + self.parameters.grace_s - self.clock()))
        since_s = capture.started_s - MEMORY_S
        packets = reference.packets(since_s, capture.ended_s + self.parameters.grace_s)
        proof = judge(packets, capture, self.parameters)
        return _Attempt(proof, _evidence(proof, capture))

    async def _capture(self, due: Due, reference: Reference, started_s: float) -> Capture:
        slot = due.slot
        recent = reference.packets(started_s - self.parameters.window_s, started_s)
        seconds = capture_seconds(recent, started_s, self.parameters)
        try:
            host = await self.outbound.resolve(slot.rtmp_host)
            address = RtmpAddress(host, slot.rtmp_port, "live", slot.stream_id)
        except AddressRefused as refused:
            return Capture(started_s, self.clock(), failure=_failure_of(refused.reason))
        return await self.probe.capture(address, seconds)


@dataclass(frozen=True, slots=True)
class _Attempt:
    proof: Proof
    evidence: dict[str, Any]


@dataclass
class Capacity:
    """Places for captures; more at once would inflate everyone's lag."""

    free: int

    def take(self) -> bool:
        """A place, if there is one: a check that has none is recorded, not queued."""
        if self.free < 1:
            return False
        self.free -= 1
        return True

    def give_back(self) -> None:
        """Frees a place."""
        self.free += 1


def _decide(proofs: list[Proof]) -> tuple[Verdict, Reason]:
    """A fail counts only if the retest fails too; passing only then is `degraded`."""
    first, last = proofs[0], proofs[-1]
    if len(proofs) == 1:
        return Verdict(first.verdict.value), first.reason
    if last.verdict.value == "pass":
        return Verdict.DEGRADED, Reason.DEGRADED
    return Verdict(last.verdict.value), last.reason


def _failure_of(reason: Reason) -> Reason:
    return Reason.UNREACHABLE if not reason.is_ours else reason


def _check(
    due: Due, draw: int, verdict: Verdict, reason: Reason, attempts: list[dict[str, Any]]
) -> Check:
    return Check(
        node_id=due.slot.node_id,
        stream_id=due.slot.stream_id,
        draw=draw,
        due_s=due.due_s,
        verdict=verdict,
        reason=reason,
        caused_by_s=due.caused_by_s,
        attempts=tuple(attempts),
    )


def _evidence(proof: Proof, capture: Capture) -> dict[str, Any]:
    """The numbers of an attempt, as recorded and shown."""
    return {
        "started_s": round(capture.started_s, 3),
        "seconds": round(capture.ended_s - capture.started_s, 3),
        "verdict": proof.verdict.value,
        "reason": proof.reason.value,
        "received": proof.received,
        "eligible": proof.eligible,
        "matched": proof.matched,
        "byte_ratio": round(proof.byte_ratio, 4),
        "keyframes": proof.keyframes,
        "offset_span_ms": proof.offset_span_ms,
        "lag_s": None if proof.lag_s is None else round(proof.lag_s, 3),
        "bytes": capture.bytes_received,
        "cpu_s": round(capture.cpu_s, 3),
    }
