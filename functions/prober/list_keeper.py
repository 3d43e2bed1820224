"""Telling lists of a failure while its run still lasts: a run is recorded when its draw is over.

What is told is what the book would say after the checks made so far. The record, a minute later at
most, is what counts: it takes back what a control node or many failures have put in doubt since.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.records import Measurements
from coordinator.checking.checks import Check, Control, Verdict
from coordinator.checking.partitions import UNDIVIDED, Partition
from coordinator.checking.trust_book import TrustBook


@dataclass
class ListKeeper:
    """Of one run. Writes only when a check has failed since the last look."""

    measurements: Measurements
    clock: Clock
    log: Log
    book: TrustBook
    """What the run began with."""
    controls: Mapping[str, Control]
    partition: Partition = UNDIVIDED
    made: list[Check] = field(default_factory=list)
    """The run's checks, as they come."""
    told: set[str] = field(default_factory=set)
    """Of whom lists were told, or may have been."""
    _seen: int = field(default=0, init=False)

    async def look(self) -> None:
        """Tells lists what the checks made so far mean for them."""
        new, self._seen = self.made[self._seen :], len(self.made)
        if not any(check.verdict is Verdict.FAIL for check in new):
            return
        try:
            after, _ = await asyncio.to_thread(self.book.observing, list(self.made), self.controls)
            if changed := after.relisted_since(self.book):
                self.told |= changed.keys()
                await self.measurements.tell_lists(changed, self.clock(), self.partition)
        except Exception as error:  # whatever it is: the record tells it again
            self.log.failure(LogEvent.LISTS_NOT_TOLD, error)
