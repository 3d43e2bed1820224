"""One connection of a check: which reader makes it, and how much it may be made to read."""

from dataclasses import dataclass

from coordinator.adapters.clock import Clock
from coordinator.adapters.media.play_connection import Room
from coordinator.adapters.media.reference_window import ReferenceWindow
from coordinator.adapters.media.rtmp_probe import RtmpProbe
from coordinator.adapters.media.rtmp_reader import ROOM, Footage, RtmpReader
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.proof.captures import Capture, CapturePlan
from coordinator.proof.packets import Part
from rtmp.addresses import RtmpAddress

LATELY_S = 10.0
"""A track of which the ingest has served nothing for so long is not waited for."""
RECENT_S = 25.0
"""What a server may keep for newcomers."""
GENEROSITY = 2
"""A viewer is sent what the ingest served, in chunks as small as may be, and some of it twice."""
ROOM_MIN = Room(3_000_000, 1_000)
"""A key frame of a large picture; and a second of everything, which may come to us late."""


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
            return await self.probed(address, plan.seconds, reference)
        since_s = self.clock() - RECENT_S
        return await self.reader.capture(
            address, plan, allowed=lambda: room_of(reference.window, since_s), footage=footage
        )

    async def probed(self, address: RtmpAddress, seconds: float, reference: Reference) -> Capture:
        """What ffprobe shows of an address that serves a stream."""
        lately = reference.packets(self.clock() - LATELY_S, self.clock())
        kinds = {p.media for p in lately if p.part is Part.FRAMES}
        return await self.probe.capture(address, seconds, has_one_track=len(kinds) == 1)


def room_of(window: ReferenceWindow, since_s: float) -> Room:
    """What a viewer may have been sent by now, and more, if servers keep nothing older for it.

    By what the ingest has served: a still picture may turn into a film at any moment."""
    served = window.served(since_s)
    least = ROOM_MIN if window.has_seen(since_s) else ROOM
    return Room(
        least.size + GENEROSITY * served.size, least.messages + GENEROSITY * served.messages
    )


def captor_of(clock: Clock) -> Captor:
    """One with readers of its own."""
    return Captor(RtmpReader(now=clock), RtmpProbe(now=clock), clock)
