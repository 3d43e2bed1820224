"""One spot check: connect, compare with the ingest, repeat a failure at once before it counts.

Longer than other modules: all that a connection goes through stands in one place.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log
from coordinator.adapters.media.joint_reader import JointReader
from coordinator.adapters.media.rtmp_reader import Footage
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.checking.check_costs import CheckCost, cost_of
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lengths import LATE_S_MAX, SPAN_S, VERY_LONG_S, Length
from coordinator.checking.suspicion import PROVEN_WRONG
from coordinator.checking.thumbnails import NODE_PICTURES_KEPT_MAX, of_check
from coordinator.proof.captures import Capture, CapturePlan, Reader, Span
from coordinator.proof.judging import Proof, ProofParameters
from coordinator.proof.second_opinion import Opinion, is_disputed, settled
from coordinator.proof.spans import judge_capture
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, check_port
from coordinator.sweeping.rosters import Slot
from prober.address_owner import disowned
from prober.capacity import Capacity, Place
from prober.captor import Captor
from prober.checked_targets import CheckedTargets
from prober.draws import Due
from prober.evidence import attempt_of, second_opinion
from prober.ingest_checks import IngestChecks
from prober.stream_paces import MEMORY_S, StreamPaces
from rtmp.addresses import RtmpAddress

NOTHING_SERVED = frozenset({Reason.UNREACHABLE, Reason.NO_STREAM})
"""The retest of these comes later: at once it would only meet who refuses the first call."""


def retest_after_s(due: Due, failed: Proof) -> float:
    """How long after a failed connection the next one comes.

    A very long one that was cut is one in twenty: who serves whoever comes back at once would
    have most of them forgiven."""
    is_later = failed.reason in NOTHING_SERVED or due.length is Length.VERY_LONG
    return due.retest_after_s if is_later else 0.0


@dataclass
class Checker:
    """Makes checks, as many at once as there are places."""

    captor: Captor
    client: HttpClient
    parameters: ProofParameters
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    log: Log
    capacity: Capacity
    parts: int = 1
    """Of the prober, whose checks count at their targets together."""
    has_left: Callable[[str, str], Awaitable[bool]] | None = None
    """Whether a node, by its id, has said goodbye: then nobody has to look for it again."""
    pictures: dict[str, bytes] = field(default_factory=dict)
    """Of checks that proved content wrong, by the pictures' ids: whoever stores them takes them."""
    paces: StreamPaces = field(init=False)
    joint: JointReader = field(init=False)
    targets: CheckedTargets = field(init=False)

    def __post_init__(self) -> None:
        self.paces = StreamPaces(self.parameters, self.clock)
        self.joint = JointReader(self.sleep)
        self.targets = CheckedTargets(self.clock, self.parts)

    def ingest_checks(self) -> IngestChecks:
        """New ones, for one run."""
        return IngestChecks(
            self.captor, self.paces, self.parameters, self.clock, self.sleep, self.log
        )

    async def check(self, due: Due, draw: int, reference: Reference, ingest: IngestChecks) -> Check:
        """The check at its drawn second, its retest included."""
        await self.sleep(max(0.0, due.due_s - self.clock()))
        if self.clock() > due.due_s + LATE_S_MAX:
            return _check(due, draw, Verdict.UNKNOWN, Reason.UNKNOWN_LATE, [])
        place = self.capacity.take(self._cost(due, reference), is_extra=due.is_extra)
        if place is None:
            return _check(due, draw, Verdict.UNKNOWN, Reason.UNKNOWN_CAPACITY, [])
        try:
            attempts = await self._attempts(due, reference, ingest, place)
        finally:
            self.capacity.give_back(place)
        verdict, reason = decide([attempt.proof for attempt in attempts])
        check = _check(due, draw, verdict, reason, [attempt.evidence for attempt in attempts])
        picture = attempts[-1].picture
        if reason in PROVEN_WRONG and picture and len(self.pictures) < NODE_PICTURES_KEPT_MAX:
            self.pictures[of_check(check)] = picture
        return check

    def _cost(self, due: Due, reference: Reference) -> CheckCost:
        """What the check will cost if it passes, at the stream's present bit rate."""
        pace = self.paces.of(reference)
        return cost_of(max(due.length.at_least_s, pace.capture_s), pace.bits_per_s)

    async def _attempts(
        self, due: Due, reference: Reference, ingest: IngestChecks, place: Place
    ) -> list["_Attempt"]:
        """One connection, and after a failure another, as long as the one that failed.

        A pass that leaves doubt, in either, is followed by a connection of `doubt_s`: a node
        that stalls after so many bytes would else fail, pass the retest, and lose nothing."""
        attempts: list[_Attempt] = []
        longest_s = self.parameters.doubt_s
        seconds = due.length.at_least_s
        for step in ("check", "retest"):
            attempts.append(await self._attempt(due, reference, ingest, seconds))
            if seconds < longest_s and attempts[-1].proof.is_doubtful(self.parameters):
                seconds = longest_s
                attempts.append(await self._attempt(due, reference, ingest, seconds))
            if attempts[-1].proof.verdict is not Verdict.FAIL:
                break
            due = replace(due, is_decoded=True)  # what it shows now is the evidence
            if step == "check":
                if await self._is_gone(due, attempts[-1].proof):
                    break
                await self._leave(place, retest_after_s(due, attempts[-1].proof))
        return attempts

    async def _is_gone(self, due: Due, failed: Proof) -> bool:
        if self.has_left is None or failed.reason not in NOTHING_SERVED:
            return False
        return await self.has_left(due.slot.node_id, due.slot.stream_id)

    async def _leave(self, place: Place, seconds: float) -> None:
        """Others have the place meanwhile; a retest is never without one, or it would excuse."""
        self.capacity.give_back(place)
        try:
            await self.sleep(seconds)
        finally:
            self.capacity.take_back(place)

    async def _attempt(
        self, due: Due, reference: Reference, ingest: IngestChecks, at_least_s: float
    ) -> "_Attempt":
        """One connection, held against what the ingest served in that time."""
        name = due.slot.stream_id
        is_whole = at_least_s < VERY_LONG_S  # the other reader cannot read spans
        by_ffprobe = due.is_by_ffprobe and is_whole and ingest.is_read_by_ffprobe(name)
        footage = Footage() if due.is_decoded and not by_ffprobe else None
        pace = self.paces.of(reference)
        taken = _Taking(reference, by_ffprobe, footage, max(at_least_s, pace.capture_s))
        capture, address = await self._capture(due, taken)
        until_s = capture.compared_until_s(self.parameters.grace_s)
        await reference.seen(until_s, self.sleep)
        began_s = capture.started_s
        recent_s = began_s - self.parameters.window_s
        past = reference.remembered(began_s - MEMORY_S, recent_s, until_s)
        proof = judge_capture(past, capture, self.parameters, gop_s=pace.gop_s)
        joint = self.joint if proof.verdict is Verdict.PASS else None  # who is accused is alone
        opinion, evidence, picture = await second_opinion(capture, footage, joint)
        proof = await self._settled(proof, opinion, reference, ingest)
        proof = await self._owned(proof, due, address)
        evidence |= {"drawn_reader": Reader.FFPROBE.value} if due.is_by_ffprobe else {}
        numbers = attempt_of(proof, capture) | {"address": address} | evidence
        return _Attempt(proof, numbers, picture)

    async def _settled(
        self, proof: Proof, opinion: Opinion | None, reference: Reference, ingest: IngestChecks
    ) -> Proof:
        """The proof; where something is held against a node, the ingest has to pass first."""
        if not is_disputed(proof, opinion):
            return proof
        control = await ingest.of(reference)
        if proof.verdict is Verdict.PASS:  # the readers disagree: about what comes now
            control = await ingest.anew(reference)
        return settled(proof, opinion, control)

    async def _owned(self, proof: Proof, due: Due, address: str | None) -> Proof:
        """The proof; a pass at an address that is not the node's own is none."""
        if proof.verdict is not Verdict.PASS or address is None:
            return proof
        reason = await disowned(self.client, due.slot, address)
        if reason is None:
            self.targets.confirmed(due.slot, address)
            return proof
        verdict = Verdict.UNKNOWN if reason.is_ours else Verdict.FAIL
        return replace(proof, verdict=verdict, reason=reason)

    async def _capture(self, due: Due, taking: "_Taking") -> tuple[Capture, str | None]:
        """(what the node served, the address it was reached at)."""
        slot, started_s, seconds = due.slot, self.clock(), taking.seconds
        try:
            address = await reached_at(self.client, slot)
            self.targets.require(slot, address.host, has_passed=due.has_passed)
        except AddressRefused as refused:
            failure = _failure_of(refused.reason)
            return Capture(started_s, self.clock(), failure=failure), None
        capture = await self.captor.capture(
            address,
            CapturePlan(seconds, spans_of(due, seconds)),
            taking.reference,
            by_ffprobe=taking.by_ffprobe,
            footage=taking.footage,
        )
        return capture, address.host


@dataclass(frozen=True, slots=True)
class _Taking:
    """How a capture is made."""

    reference: Reference
    by_ffprobe: bool
    footage: Footage | None
    seconds: float


@dataclass(frozen=True, slots=True)
class _Attempt:
    proof: Proof
    evidence: dict[str, Any]
    picture: bytes | None
    """Of what was captured, where it was decoded."""


async def reached_at(client: HttpClient, slot: Slot) -> RtmpAddress:
    """Where a node is played; AddressRefused for what may not be connected to, port or address.

    Both were judged when they were announced. A name may lead elsewhere by now, and a roster may
    be older than a rule."""
    port = check_port(slot.rtmp_port)
    return RtmpAddress(await client.resolve(slot.rtmp_host), port, "live", slot.stream_id)


def spans_of(due: Due, seconds: float) -> tuple[Span, ...]:
    """What is read of a capture: all of it, unless it is a very long one."""
    if seconds < VERY_LONG_S:
        return ()
    return tuple(Span(at_s, at_s + SPAN_S) for at_s in due.spans_s)


def decide(proofs: list[Proof]) -> tuple[Verdict, Reason]:
    """The last connection decides; one that passes after a failed one is `degraded`."""
    last, failed = proofs[-1], [proof for proof in proofs if proof.verdict is Verdict.FAIL]
    if last.verdict is Verdict.PASS and failed:
        is_cut = any(proof.is_cut for proof in failed)
        return Verdict.DEGRADED, Reason.CUT if is_cut else Reason.DEGRADED
    return last.verdict, last.reason


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
        length=due.length,
        is_watched=due.is_watched,
    )
