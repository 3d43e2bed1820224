"""How long a very long connection lasted that failed, if that was surely the node's doing. Pure.

What only so long a connection sees a new one does not make good. So it has to be sure that neither
the publisher nor the ingest brought it about, and no machine of ours: a failure by time that is
found while ours was late is `unknown:busy` before anybody asks.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from coordinator.proof.captures import Capture
from coordinator.proof.packets import MediaKind, Packet, Part
from coordinator.proof.parameters import ProofParameters
from coordinator.proof.remembered import Remembered
from coordinator.proof.timeline import timeline_of
from coordinator.reasons import Reason

OF_RATE = frozenset({Reason.TOO_SLOW, Reason.LAGGING, Reason.FALLING_BEHIND})
"""What a line may come to that is given more than it was when the connection began."""
SLOT_S = 10.0
BEFORE_S = 20.0
GROWN = 1.5
"""Times the most that it was. Streams vary by less; who doubles the rate may overload a line."""


def lasted_s(
    past: Remembered,
    capture: Capture,
    reason: Reason,
    rules: ProofParameters,
    gop_s: float | None = None,
) -> float | None:
    """For how long media came; None where that may have ended by somebody else's doing.

    A publisher who begins anew may end connections everywhere, wherever in the two minutes that
    comes. Seconds that were only counted tell their beginning."""
    bare = replace(capture, packets=(), read=(), counts=())
    served = timeline_of(past, bare, rules, is_joined=False, gop_s=gop_s)
    if served.has_gap() or served.is_down():
        return None
    if reason in OF_RATE and _has_grown(past, capture):
        return None
    came = [count.at_s for count in capture.counts if count.packets]
    came += [packet.arrived_s for packet in media_of(capture.packets)]
    return round(max(came, default=capture.started_s) - capture.started_s, 3)


def _has_grown(past: Remembered, capture: Capture) -> bool:
    """Whether the ingest came to serve much more than when the connection began."""
    sizes: Counter[int] = Counter()
    for packet in media_of(past.within(capture.started_s - BEFORE_S, capture.ended_s)):
        sizes[int((packet.arrived_s - capture.started_s) // SLOT_S)] += packet.size
    begun = max((size for slot, size in sizes.items() if slot <= 0), default=0)
    later = max((size for slot, size in sizes.items() if slot > 0), default=0)
    return later > GROWN * begun


def media_of(packets: Sequence[Packet]) -> list[Packet]:
    """Pictures and sounds."""
    return [p for p in packets if p.media is not MediaKind.DATA and p.part is Part.FRAMES]
