"""What was over after its run was recorded, until a record has it.

The next record of the same epoch takes it along, so an epoch is settled from one document a draw.
Where no record comes that could, it is recorded by itself. Its verdict stands beside its run's
claim meanwhile, and the trust book knows that it is missing: a crash loses nothing.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from coordinator.adapters.clock import Clock
from coordinator.checking.checks import Check, Run
from coordinator.checking.lengths import FIRST_RECORD_S_MAX, LONGEST_S
from coordinator.checking.put_off import may_carry
from coordinator.epochs import Calendar
from prober.docket import Docket

LOOKS_EVERY_S = 5.0
"""So often it is looked whether a record has come."""


@dataclass(frozen=True, slots=True)
class LateCheck:
    """A check that is over, and was put off by a run's first record."""

    first: Run
    docket: Docket
    check: Check

    @property
    def key(self) -> tuple[int, str]:
        """Its draw and its node."""
        return self.check.draw, self.check.node_id


@dataclass
class LateChecks:
    """Of one part of the prober."""

    calendar: Calendar
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    _waiting: dict[tuple[int, str], LateCheck] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)
    """Draws of which some checks are not over."""
    _recorded: int = -1
    """The last draw that this process put on record."""

    def begin(self, draw: int) -> None:
        """Some of its checks are put off."""
        self._open.add(draw)

    def add(self, first: Run, docket: Docket, checks: Iterable[Check]) -> None:
        """Takes checks that are over now."""
        found = (LateCheck(first, docket, check) for check in checks)
        self._waiting |= {late.key: late for late in found}

    def for_record(self, draw: int) -> list[LateCheck]:
        """What the record of a draw takes along."""
        return [late for late in self._waiting.values() if self._may_take(draw, late)]

    def _may_take(self, draw: int, late: LateCheck) -> bool:
        return draw > late.check.draw and may_carry(draw, late.check, self.calendar)

    def recorded(self, draw: int, late: Iterable[LateCheck]) -> None:
        """These are on record, by the first record of a draw or by one of their own."""
        self._recorded = max(self._recorded, draw)
        for each in late:
            self._waiting.pop(each.key, None)

    async def left(self, draw: int) -> list[LateCheck]:
        """All of the draw is over. What no record has taken since, with what else may be in the
        same record; nothing once all of the draw's are on record."""
        self._open.discard(draw)
        over_s, seconds = self.clock(), self.calendar.check_seconds
        latest_s = (draw + 1) * seconds + LONGEST_S
        until_s = min(over_s + seconds + FIRST_RECORD_S_MAX, latest_s)
        while (mine := self._of(draw)) and self._others_come(mine) and self.clock() < until_s:
            await self.sleep(LOOKS_EVERY_S)
        if not mine:
            return []
        return [late for late in self._waiting.values() if self._is_beside(late, mine[0])]

    def _of(self, draw: int) -> list[LateCheck]:
        return [late for late in self._waiting.values() if late.check.draw == draw]

    def _is_beside(self, late: LateCheck, other: LateCheck) -> bool:
        """Whether both may be in one record."""
        return may_carry(other.check.draw, late.check, self.calendar)

    def _others_come(self, mine: Sequence[LateCheck]) -> bool:
        """Whether a record may take them yet: of a later draw, or of what that puts off."""
        (late, *_), last = mine, max(each.check.draw for each in mine)
        while may_carry(last + 1, late.check, self.calendar):
            last += 1
        ends_s = (last + 1) * self.calendar.check_seconds + FIRST_RECORD_S_MAX
        if self._recorded < last and self.clock() < ends_s:
            return True
        return any(late.check.draw < draw <= last for draw in self._open)


def with_late(run: Run, late: Sequence[LateCheck]) -> Run:
    """The run with the control nodes among checks that it takes along."""
    controls = {
        each.check.node_id: each.first.controls[each.check.node_id]
        for each in late
        if each.check.node_id in each.first.controls
    }
    return replace(run, controls={**controls, **run.controls})
