"""Whether the network is measured: a note that all agree on, and the jobs that follow it.

Nobody may be overlooked by a race of one who comes and one who turns off the light. Who comes
writes what brings them first and reads the note then; who turns off writes the note first and
looks for newcomers then, and reads the note once more after the jobs are paused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from coordinator.adapters.clock import Clock, steady
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.scheduling.job_control import Scheduler, SchedulerError
from coordinator.adapters.store.protocol import Fields, Ref, Store, StoreError
from coordinator.documents.codec import Codec

RETRY_SECONDS = 5.0
_NOTE = Ref("jobs", "measuring")


@dataclass(frozen=True, slots=True)
class Note:
    """The document `jobs/measuring`."""

    is_on: bool
    changed_s: float


NOTES = Codec(Note, "jobs/measuring")
_FIRST = Note(is_on=True, changed_s=0.0)
"""Stands for the note of a network that never rested."""


@dataclass
class Switch:
    """Pauses and resumes the jobs of collector and prober."""

    store: Store
    scheduler: Scheduler
    clock: Clock
    log: Log
    _owed_s: float | None = None
    """When this process last failed to resume the jobs; None if it owes nothing."""
    _begun: int = 0
    """How many times this process has begun to look at the note, and how many it ended."""
    _ended: int = 0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def wake(self) -> None:
        """After a write that gives collector and prober something to do; costs a read at most.

        Thousands come at once when a stream begins: all who wait share the next look at the note,
        which begins after the writes of all of them. Never fails: what could not be done is done
        by `retry`, or by the next review."""
        mine = self._begun + 1
        async with self._turn:
            if self._ended < mine:
                self._begun += 1
                await self._look()
                self._ended = self._begun

    async def _look(self) -> None:
        try:
            if self._owed_s is not None or not await self._is_on():
                await self._resume()
            self._owed_s = None
        except (SchedulerError, StoreError) as error:
            self._owed_s = steady(self.clock)()
            self.log.failure(LogEvent.JOBS_NOT_RESUMED, error)

    async def retry(self) -> None:
        """Makes up for a failed `wake`, at most every RETRY_SECONDS; costs nothing otherwise."""
        if self._owed_s is not None and steady(self.clock)() >= self._owed_s + RETRY_SECONDS:
            await self.wake()

    async def review(self, is_needed: Callable[[], Awaitable[bool]]) -> bool:
        """Brings the jobs to where they belong; whether they run now.

        Called again and again, so that whatever failed before is put right. Raises
        SchedulerError and StoreError: then it has to be called again soon."""
        if not await is_needed():
            await self._note(is_on=False)
            if not await is_needed():
                await self._pause()
                if not await self._is_on():
                    return False
        await self._resume()
        return True

    async def _resume(self) -> None:
        await self._note(is_on=True)
        await self.scheduler.switch(on=True)

    async def _pause(self) -> None:
        """What is not paused costs money and nothing else: the next review tries again."""
        try:
            await self.scheduler.switch(on=False)
        except SchedulerError as error:
            self.log.failure(LogEvent.JOBS_NOT_PAUSED, error)

    async def _is_on(self) -> bool:
        (note,) = await self.store.get(_NOTE)
        return (NOTES.decode_or_none(note) or _FIRST).is_on

    async def _note(self, *, is_on: bool) -> None:
        def decide(read: Sequence[Fields | None]) -> Mapping[Ref, Fields]:
            if (NOTES.decode_or_none(read[0]) or _FIRST).is_on == is_on:
                return {}
            return {_NOTE: NOTES.encode(Note(is_on, self.clock()))}

        await self.store.transact([_NOTE], decide)
