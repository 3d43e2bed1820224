"""One connection of a check: which reader makes it, and how much it may be made to read."""

from dataclasses import dataclass

from coordinator.adapters.clock import Clock
from coordinator.adapters.media.rtmp_probe import RtmpProbe
from coordinator.adapters.media.rtmp_reader import ROOM, Footage, Room, RtmpReader
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.proof.captures import Capture, CapturePlan
from rtmp.addresses import RtmpAddress

RECENT_S = 25.0
"""What a server may keep for newcomers."""
RECENT_S_MIN = 10.0
"""A younger reference cannot tell how much the stream has."""
GENEROSITY = 2
"""A stream may have twice as much in the next seconds as it had."""
ROOM_MIN = Room(1_500_000, 1_000)
"""A key frame of a large picture, and a second of everything."""


@dataclass
class Captor:
    """Makes connections."""

    reader: RtmpReader
    probe: RtmpProbe
    clock: Clock

    async def capture(
        self,
        address: RtmpAddress,
        plan: CapturePlan,
        reference: Reference,
        *,
        by_ffprobe: bool,
        footage: Footage | None,
    ) -> Capture:
        """What the address serves. ffprobe leaves no footage: it decodes what it reads."""
        if by_ffprobe:
            return await self.probe.capture(address, plan.seconds)
        room = self._room(reference, plan.seconds)
        return await self.reader.capture(address, plan, room=room, footage=footage)

    def _room(self, reference: Reference, seconds: float) -> Room:
        """What any viewer of the stream could be sent in so many seconds, and more."""
        now_s = self.clock()
        recent = reference.packets(now_s - RECENT_S, now_s)
        if not recent or recent[0].arrived_s > now_s - RECENT_S_MIN:
            return ROOM
        factor = GENEROSITY * (RECENT_S + seconds) / (now_s - recent[0].arrived_s)
        return Room(
            ROOM_MIN.size + round(factor * sum(p.size for p in recent)),
            ROOM_MIN.messages + round(factor * len(recent)),
        )


def captor_of(clock: Clock) -> Captor:
    """One with readers of its own."""
    return Captor(RtmpReader(now=clock), RtmpProbe(now=clock), clock)
