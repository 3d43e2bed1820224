"""How fast each stream runs: looked up once a second, however many checks of it begin."""

from dataclasses import dataclass, field

from coordinator.adapters.clock import Clock
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.proof.judging import ProofParameters
from coordinator.proof.stream_pace import StreamPace, pace_of

MEMORY_S = 120.0
"""How far back the reference is read: that tells recordings from other content."""
KNOWN_S = 1.0
"""A key frame interval or a bit rate that is older is looked up again."""


@dataclass
class StreamPaces:
    """One stream at a time is looked at: that is some milliseconds of work."""

    parameters: ProofParameters
    clock: Clock
    _known: dict[Reference, tuple[float, StreamPace]] = field(default_factory=dict)

    def of(self, reference: Reference) -> StreamPace:
        """The stream's, at most a second old."""
        now_s = self.clock()
        known = self._known.get(reference)
        if known is not None and 0 <= now_s - known[0] < KNOWN_S:
            return known[1]
        pace = pace_of(reference.packets(now_s - MEMORY_S, now_s), now_s, self.parameters)
        recent = {r: k for r, k in self._known.items() if 0 <= now_s - k[0] < KNOWN_S}
        self._known = {**recent, reference: (now_s, pace)}
        return pace
