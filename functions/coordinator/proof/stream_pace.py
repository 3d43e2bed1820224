"""How fast a stream runs just now, by what the reference remembers. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.proof.captures import Capture
from coordinator.proof.packets import Packet
from coordinator.proof.parameters import ProofParameters
from coordinator.proof.timeline import timeline_of


@dataclass(frozen=True, slots=True)
class StreamPace:
    """What the next capture of a stream has to reckon with."""

    capture_s: float
    """How long it should last, by the stream's key frame interval and rate."""
    gop_s: float
    """The longest wait for a key frame lately."""
    bits_per_s: float


def pace_of(
    reference: Sequence[Packet], now_s: float, parameters: ProofParameters | None = None
) -> StreamPace:
    """By the packets before `now_s`, as many as are remembered."""
    rules = parameters or ProofParameters()
    recent = timeline_of(reference, Capture(now_s, now_s), rules)
    seconds = min(max(recent.needed_s() + 0.3, rules.capture_min_s), rules.capture_max_s)
    size = sum(p.size for p in recent.window if p.arrived_s <= now_s)
    return StreamPace(seconds, recent.gop_s, 8 * size / rules.window_s)


def capture_seconds(
    reference: Sequence[Packet], now_s: float, parameters: ProofParameters | None = None
) -> float:
    """How long the next capture should last."""
    return pace_of(reference, now_s, parameters).capture_s
