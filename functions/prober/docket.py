"""What a run has made and not recorded yet, stored beside its claim until the record has it.

A run is recorded when its draw is over, because a control node may put all of it in doubt until
then. A verdict does not wait for that: it is stored some seconds after its last attempt. So who
kills the prober, or has it killed, loses no failure: the next one records what stands here.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.records import Measurements
from coordinator.checking.checks import Check, Run
from coordinator.checking.trust_book import TrustBook
from coordinator.reasons import Reason
from prober.draw_checks import unknown
from prober.draws import Due
from prober.list_keeper import ListKeeper

EVERY_S = 10.0
"""A verdict is stored 30 s after its attempt at the latest: one write of the store may take 10 s.
A dead node is to be off every list a minute after its check."""


@dataclass
class Docket:
    """Of one run."""

    measurements: Measurements
    clock: Clock
    log: Log
    run: Run
    """As it began."""
    lists: ListKeeper
    waiting: dict[str, Check] = field(default_factory=dict)
    """By node id: what is not on record. Whose check is not over yet, but put off: `not_run`."""
    _stored: dict[str, Check] = field(default_factory=dict)
    """What stands in the store."""
    _stored_s: dict[str, float] = field(default_factory=dict)
    _storing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """An older state must not overtake a newer one."""

    def add(self, check: Check) -> None:
        """Takes a check that is over."""
        self.waiting[check.node_id] = check
        self.lists.made.append(check)

    async def watch(self) -> None:
        """Stores and tells again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Tells lists what is new, and stores it."""
        await self.lists.look()
        await self.store()

    async def store(self) -> None:
        """Stores what is not on record, if there is anything new."""
        async with self._storing:
            await self._store()

    async def _store(self) -> None:
        new = dict(self.waiting)
        if all(self._stored.get(node_id) is check for node_id, check in new.items()):
            return
        try:
            await self.measurements.keep_made(self.run, tuple(new.values()), self.clock())
        except Exception as error:  # whatever it is: the next look stores it, or the record
            self.log.failure(LogEvent.CHECKS_NOT_STORED, error, draw=self.run.draw)
            return
        now_s = round(self.clock(), 3)
        for node_id, check in new.items():
            if self._stored.get(node_id) is not check:
                self._stored_s[node_id] = now_s
        self._stored = new

    async def put_off(self, late: Iterable[Due]) -> None:
        """Stores whose check the record does not wait for: of these nothing may get lost either."""
        for due in late:
            not_run = unknown(due, self.run.draw, Reason.UNKNOWN_NOT_RUN)
            self.waiting.setdefault(due.slot.node_id, not_run)
        if self.waiting:
            await self.store()

    def dated(self, checks: Iterable[Check]) -> list[Check]:
        """The checks, with the instants at which they were stored."""
        return [
            check.stored_at(stored_s)
            if (stored_s := self._stored_s.get(check.node_id)) is not None
            else check
            for check in checks
        ]

    def recorded(self, first: Run, book: TrustBook) -> None:
        """The run's first part is on record, with this book after it: the rest goes on."""
        own = [check for check in first.checks if first.is_first_of(check)]
        for check in own:
            self.waiting.pop(check.node_id, None)
        known = [check for check in own if check.node_id in first.controls]
        late = [c for c in self.waiting.values() if c.reason is not Reason.UNKNOWN_NOT_RUN]
        self.lists = replace(self.lists, book=book, made=[*known, *late], told=set())
