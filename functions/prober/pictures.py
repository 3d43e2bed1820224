"""Pictures for a run's checks. They are an extra: without one a check is worth just as much."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.adapters.records import Measurements
from coordinator.adapters.worker_pool import work_through
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.suspicion import PROVEN_WRONG
from coordinator.checking.thumbnails import (
    NODE_PICTURES_A_RUN_MAX,
    Thumbnail,
    of_check,
    of_stream,
)
from coordinator.sweeping.rosters import Slot
from rtmp.addresses import RtmpAddress

STREAM_PICTURES_A_RUN_MAX = 20
"""Those that are left over are taken in the draws that follow."""
AT_ONCE = 4
"""Each is a process that decodes: many at a time would make the captures beside them look late."""
Take = Callable[[RtmpAddress], Awaitable[bytes | None]]
SERVED = Verdict.PASS, Verdict.DEGRADED


@dataclass
class Pictures:
    """Takes and stores them."""

    measurements: Measurements
    take: Take
    clock: Clock
    log: Log
    _taken: dict[str, str] = field(default_factory=dict)
    """The last picture's id of each stream, taken by this instance."""

    async def of_streams(self, draw: int, references: Mapping[str, Reference]) -> frozenset[str]:
        """Takes the ingest's pictures of these draws; says which are there."""
        wanted = {name: of_stream(name, draw) for name in references}
        now_s = self.clock()
        missing = [
            name
            for name, picture_id in wanted.items()
            if self._taken.get(name) != picture_id and references[name].is_live(now_s)
        ]

        async def take(name: str) -> None:
            if await self._store(wanted[name], references[name].address):
                self._taken[name] = wanted[name]

        await work_through(missing[:STREAM_PICTURES_A_RUN_MAX], take, at_once=AT_ONCE)
        return frozenset(wanted.values()) & frozenset(self._taken.values())

    async def added_to(
        self, checks: Iterable[Check], slots: Iterable[Slot], there: frozenset[str]
    ) -> list[Check]:
        """The checks with the pictures that belong to them; `there` are the ingest's."""
        made, ports = list(checks), {slot.node_id: slot.rtmp_port for slot in slots}
        proven = [
            (check, RtmpAddress(check.address, ports[check.node_id], "live", check.stream_id))
            for check in made
            if check.reason in PROVEN_WRONG and check.address is not None
        ][:NODE_PICTURES_A_RUN_MAX]
        # All at once: a node may let its camera wait, and the run is not to last any longer.
        stored = await asyncio.gather(*(self._store(of_check(c), where) for c, where in proven))
        own = {of_check(c) for (c, _), is_there in zip(proven, stored, strict=True) if is_there}
        return [
            check.showing(name) if (name := _picture_of(check)) in own | there else check
            for check in made
        ]

    async def _store(self, picture_id: str, address: RtmpAddress) -> bool:
        """Whether the picture is there now, whoever took it."""
        try:
            jpeg = await self.take(address)
            if jpeg is not None:
                await self.measurements.create_thumbnail(Thumbnail(picture_id, self.clock(), jpeg))
        except Exception as error:  # whatever it is: no check is to be lost by a picture
            self.log.failure(LogEvent.PICTURE_FAILED, error, picture=picture_id)
            return False
        return jpeg is not None


def _picture_of(check: Check) -> str:
    """The picture that belongs to a check, if there is one."""
    served = check.verdict in SERVED
    return of_stream(check.stream_id, check.draw) if served else of_check(check)
