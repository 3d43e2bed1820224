"""Pictures for a run's checks. They are an extra: without one a check is worth just as much."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.adapters.records import Measurements
from coordinator.adapters.worker_pool import work_through
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.thumbnails import (
    NODE_PICTURES_A_RUN_MAX,
    Thumbnail,
    of_check,
    of_stream,
)
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
        self._taken = {name: one for name, one in self._taken.items() if name in wanted}
        return frozenset(wanted.values()) & frozenset(self._taken.values())

    async def added_to(
        self, checks: Iterable[Check], there: frozenset[str], captured: dict[str, bytes]
    ) -> list[Check]:
        """The checks with the pictures that belong to them; `there` are the ingest's.

        `captured` are of what nodes served in these checks; those of these are taken out of it."""
        made = list(checks)
        own = {
            name: jpeg
            for check in made
            if (jpeg := captured.pop(name := of_check(check), None)) is not None
        }
        kept = dict(list(own.items())[:NODE_PICTURES_A_RUN_MAX])
        stored = {name for name, jpeg in kept.items() if await self._keep(name, jpeg)}
        return [
            check.showing(name) if (name := _picture_of(check)) in stored | there else check
            for check in made
        ]

    async def _store(self, picture_id: str, address: RtmpAddress) -> bool:
        """Whether the ingest's picture is there now, whoever took it."""
        try:
            jpeg = await self.take(address)
        except Exception as error:  # whatever it is: no check is to be lost by a picture
            self.log.failure(LogEvent.PICTURE_FAILED, error, picture=picture_id)
            return False
        return jpeg is not None and await self._keep(picture_id, jpeg)

    async def _keep(self, picture_id: str, jpeg: bytes) -> bool:
        try:
            await self.measurements.create_thumbnail(Thumbnail(picture_id, self.clock(), jpeg))
        except Exception as error:  # as above
            self.log.failure(LogEvent.PICTURE_FAILED, error, picture=picture_id)
            return False
        return True


def _picture_of(check: Check) -> str:
    """The picture that belongs to a check, if there is one."""
    served = check.verdict in SERVED
    return of_stream(check.stream_id, check.draw) if served else of_check(check)
