"""The checks of one draw while they are made: most are over soon after it, some last longer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from coordinator.adapters.clock import Clock
from coordinator.checking.checks import Check, Verdict
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from prober.draws import Due


@dataclass(frozen=True, slots=True)
class Made:
    """What came of one."""

    check: Check
    is_spared: bool = False
    """Its node had said goodbye before the draw began: it is out of the draw. What was put off has
    to come on record all the same."""


@dataclass
class DrawChecks:
    """Every check is a task of its own, begun at once; it waits for its second by itself."""

    clock: Clock
    tasks: dict[str, asyncio.Task[Made]] = field(default_factory=dict)
    """By node id, in the order in which they are due."""
    due: dict[str, Due] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    async def over_by(self, until_s: float) -> list[Check]:
        """Those that are over then, or as soon as all of them are."""
        left_s = max(0.0, until_s - self.clock())
        if self.put_off:
            await asyncio.wait([self.tasks[n] for n in self.put_off], timeout=left_s)
        return [made.check for made in self._take() if not made.is_spared]

    async def rest(self, until_s: float, draw: int) -> AsyncIterator[list[Check]]:
        """Those that were not, as they end. What is not over then is given up, by our own fault.

        No node can bring that about: every step of a check has its limit (`checking.lengths`)."""
        while self.put_off and await self._some_over_by(until_s):
            yield [made.check for made in self._take()]
        given_up = [unknown(self.due[n], draw, Reason.UNKNOWN_INTERNAL) for n in self.put_off]
        self._taken.update(self.put_off)
        if given_up:
            yield given_up

    async def _some_over_by(self, until_s: float) -> bool:
        left_s = max(0.0, until_s - self.clock())
        tasks = [self.tasks[node_id] for node_id in self.put_off]
        ended, _ = await asyncio.wait(tasks, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        return bool(ended)

    @property
    def put_off(self) -> tuple[str, ...]:
        """Whose checks have not been taken yet."""
        return tuple(node_id for node_id in self.tasks if node_id not in self._taken)

    def _take(self) -> list[Made]:
        over = [node_id for node_id in self.put_off if self.tasks[node_id].done()]
        self._taken.update(over)
        return [self.tasks[node_id].result() for node_id in over]


@asynccontextmanager
async def checks_of(
    due: list[Due], make: Callable[[Due], Coroutine[Any, Any, Made]], clock: Clock
) -> AsyncIterator[DrawChecks]:
    """Makes them; what is not over when the block ends is not made any more."""
    tasks = {one.slot.node_id: asyncio.create_task(make(one)) for one in due}
    try:
        yield DrawChecks(clock, tasks, {one.slot.node_id: one for one in due})
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


def unknown(due: Due, draw: int, reason: Reason) -> Check:
    """A due check that could not be made, by our own fault."""
    slot = due.slot
    return Check(
        slot.node_id,
        slot.stream_id,
        draw,
        due.due_s,
        Verdict.UNKNOWN,
        reason,
        caused_by_s=due.caused_by_s,
        length=due.length,
        is_watched=due.is_watched,
    )


def in_time(checks: Iterable[Check], ended_s: float, calendar: Calendar) -> list[Check]:
    """The checks of a run that ended then; one too late for its epoch's statement is `unknown`.

    Pay ignores such a run. Would its checks still flag or clear a node, the two would disagree
    from then on: minutes parked for a flag that is gone are never paid."""
    return [
        replace(check, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_LATE)
        if check.verdict.counts
        and ended_s > calendar.evidence_until_s(calendar.epoch_at(check.due_s))
        else check
        for check in checks
    ]
