"""What the ingest served around a check: the measure that a capture is held to.

Pure. Everything that can excuse a node is computed here, from the reference alone: a node must
never be able to make its own check inconclusive.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from coordinator.proof.captures import Capture
from coordinator.proof.packets import Packet, dts_difference_ms
from coordinator.reasons import Reason

Key = tuple[bool, int, str]
"""What makes two packets the same: kind, size and digest of the payload."""


@dataclass(frozen=True, slots=True)
class ProofParameters:
    """The published limits of a check."""

    window_s: float = 20.0
    """How far back from the start of a capture a packet is still the stream of now."""
    grace_s: float = 1.0
    """How much later than a node's viewer our own reference may get a packet."""
    lag_max_s: float = 4.5
    size_min: int = 64
    """Smaller payloads repeat by chance, so they prove nothing."""
    packets_min: int = 10
    share_min: float = 0.9
    """Of the eligible packets, and of their bytes, that a node must deliver."""
    setup_s: float = 1.0
    """Connecting, handshake and play command: about five round trips."""
    stall_s: float = 1.5
    """What may be missing at the end of a capture: an honest connection stalls that long."""
    silence_max_s: float = 2.0
    """A longer silence of the reference is a gap."""
    offset_tolerance_ms: int = 100
    capture_min_s: float = 3.0
    capture_max_s: float = 14.0
    """Enough for a keyframe interval of 10 s."""
    growth_max_s: float = 0.5
    tail_max_s: float = 0.5
    """A pass during which the delay grew by more, or whose end is missing for longer, is repeated
    with a long capture."""
    evidence_min: int = 5
    """So many packets of other content are needed to call it that."""


def key_of(packet: Packet) -> Key:
    """The identity under which packets are compared."""
    return packet.is_video, packet.size, packet.digest


@dataclass(slots=True)
class Track:
    """The video, or the audio, of the reference inside the window of one check."""

    packets: list[Packet]
    eligible: list[Packet]
    """At least `size_min` bytes and unique in the window, in order of arrival."""
    gop_s: float
    """The longest wait for a packet that a player can start with."""
    span_s: float
    """The longest time that `packets_min` eligible packets took."""

    @property
    def is_video(self) -> bool:
        """True for the picture, False for the sound."""
        return self.packets[0].is_video

    def start_s(self, since_s: float) -> float | None:
        """Arrival of the first packet from `since_s` on that a player can start with."""
        starts = (p.arrived_s for p in self.packets if p.is_key or not p.is_video)
        return next((at for at in starts if at >= since_s), None)


@dataclass(slots=True)
class Timeline:
    """The reference around one capture."""

    started_s: float
    ended_s: float
    parameters: ProofParameters
    window: list[Packet]
    judged: list[Track]
    """The tracks that a node is held to, the one that decides first."""
    known: frozenset[Key]
    """Every packet of the window, unique or not."""
    older: list[Packet]
    """Packets from before the window: they tell a recording from other content."""
    segment_of: dict[Key, int] = field(default_factory=dict)
    """Which unbroken run of timestamps an eligible packet belongs to."""
    breaks: int = 0
    """How often the run broke inside the window: a new connection, or a restarted stream."""

    @property
    def eligible(self) -> dict[Key, Packet]:
        """Every eligible packet of the judged tracks by its identity."""
        return {key_of(p): p for track in self.judged for p in track.eligible}

    def needed_s(self) -> float:
        """Seconds that a capture must last to be sure of enough eligible packets."""
        lead_s = self.judged[0].gop_s + self.judged[0].span_s if self.judged else 0.0
        return self.parameters.setup_s + lead_s

    def is_down(self) -> bool:
        """True if the ingest served nothing at the end of the capture."""
        until_s = self.ended_s - self.parameters.silence_max_s
        return not self.judged or self.judged[0].packets[-1].arrived_s < until_s

    def unusable_reason(self) -> Reason | None:
        """Why nothing can be held against anybody now, or None if the reference is sound."""
        rules = self.parameters
        if self.is_down():
            return Reason.UNKNOWN_INGEST_DOWN
        lead = self.judged[0]
        during = [self.started_s - rules.lag_max_s]
        during += [p.arrived_s for p in lead.packets if during[0] <= p.arrived_s <= self.ended_s]
        if any(b - a > rules.silence_max_s for a, b in pairwise(during)):
            return Reason.UNKNOWN_REFERENCE
        if self.breaks or len(lead.eligible) < rules.packets_min:
            return Reason.UNKNOWN_REFERENCE
        if self.ended_s - self.started_s < self.needed_s():
            return Reason.UNKNOWN_REFERENCE
        return None

    @property
    def is_warm(self) -> bool:
        """True if the reference saw the whole window, so that what it lacks was never served."""
        since_s = self.started_s - self.parameters.window_s
        return bool(self.window) and self.window[0].arrived_s <= since_s + 1.0


def timeline_of(
    reference: Sequence[Packet], capture: Capture, parameters: ProofParameters
) -> Timeline:
    """Cut the reference (any order; 20 s before the capture, better 120 s) to one capture."""
    since_s = capture.started_s - parameters.window_s
    until_s = capture.ended_s + parameters.grace_s
    ordered = sorted(reference, key=lambda p: p.arrived_s)
    window = [p for p in ordered if since_s <= p.arrived_s <= until_s]
    copies = Counter(key_of(p) for p in window)
    timeline = Timeline(
        started_s=capture.started_s,
        ended_s=capture.ended_s,
        parameters=parameters,
        window=window,
        judged=_judged(window, copies, parameters),
        known=frozenset(copies),
        older=[p for p in ordered if p.arrived_s < since_s],
    )
    _find_segments(timeline)
    return timeline


def capture_seconds(
    reference: Sequence[Packet], now_s: float, parameters: ProofParameters | None = None
) -> float:
    """How long the next capture should last, by the stream's keyframe interval and rate."""
    rules = parameters or ProofParameters()
    recent = timeline_of(reference, Capture(now_s, now_s), rules)
    return min(max(recent.needed_s() + 0.3, rules.capture_min_s), rules.capture_max_s)


def _judged(window: list[Packet], copies: Counter[Key], rules: ProofParameters) -> list[Track]:
    """Video decides; audio does where there is no video, or only a picture that stands still."""
    video = _track([p for p in window if p.is_video], copies, rules)
    audio = _track([p for p in window if not p.is_video], copies, rules)
    rich = [t for t in (video, audio) if len(t.eligible) >= rules.packets_min]
    if rich:
        return rich
    return [t for t in (video, audio) if t.packets][:1]


def _track(packets: list[Packet], copies: Counter[Key], rules: ProofParameters) -> Track:
    eligible = [p for p in packets if p.size >= rules.size_min and copies[key_of(p)] == 1]
    n = rules.packets_min
    if not packets:
        return Track([], [], 0.0, 0.0)
    first, last = packets[0], packets[-1]  # so that what is not there yet counts as well
    keys = [first, *(p for p in packets if p.is_key or not p.is_video), last]
    steps = [first, *eligible, *([last] * n)]
    return Track(packets, eligible, _longest_s(keys, keys[1:]), _longest_s(steps, steps[n:]))


def _longest_s(earlier: Sequence[Packet], later: Sequence[Packet]) -> float:
    """Longest time between pairs, by their timestamps: arrival varies with our own load."""
    pairs = zip(earlier, later, strict=False)
    return max((dts_difference_ms(b.dts_ms, a.dts_ms) for a, b in pairs), default=0) / 1000


def _find_segments(timeline: Timeline) -> None:
    """Number the unbroken runs of timestamps, so that each may have an offset of its own."""
    newest: dict[bool, Packet] = {}
    for packet in timeline.window:
        before = newest.get(packet.is_video)
        if before is not None and _is_break(before, packet):
            timeline.breaks += 1
            newest.clear()
        newest[packet.is_video] = packet
        timeline.segment_of[key_of(packet)] = timeline.breaks


def _is_break(before: Packet, after: Packet) -> bool:
    """True between packets of one track if the stream, or our connection, began anew there."""
    step_s = dts_difference_ms(after.dts_ms, before.dts_ms) / 1000
    waited_s = after.arrived_s - before.arrived_s
    return after.connection != before.connection or step_s < -1 or step_s - waited_s > 2
