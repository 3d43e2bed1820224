"""What a reference remembers of a stream around one capture. Pure.

A capture is held against the half minute around it. The two minutes before only tell what a
stranger is, or whether a track was there before, and nearly no check asks. They are thousands of
packets, so nobody so much as touches them until somebody does.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from coordinator.proof.packets import Packet, Part

ARRIVAL = attrgetter("arrived_s")


@dataclass(frozen=True, slots=True)
class Remembered:
    """The ingest's packets up to some instant after a capture."""

    recent: Sequence[Packet]
    """In order of arrival, at least from the beginning of the window on that is judged."""
    headers: Sequence[Packet]
    """The codec headers that were in force at any moment of it, and before."""
    older: Callable[[], Sequence[Packet]] = tuple
    """What came before `recent`, in order of arrival."""

    def within(self, since_s: float, until_s: float) -> Sequence[Packet]:
        """What came from one instant up to another, with it."""
        low = bisect_left(self.recent, since_s, key=ARRIVAL)
        return self.recent[low : bisect_right(self.recent, until_s, key=ARRIVAL)]

    def before(self, since_s: float) -> Sequence[Packet]:
        """Everything that came before an instant."""
        low = bisect_left(self.recent, since_s, key=ARRIVAL)
        return [*self.older(), *self.recent[:low]]


def remembered(packets: Sequence[Packet] | Remembered) -> Remembered:
    """Packets in any order, as somebody remembers them who has no more."""
    if isinstance(packets, Remembered):
        return packets
    ordered = sorted(packets, key=ARRIVAL)
    return Remembered(ordered, [p for p in ordered if p.part is Part.HEADER])
