"""A `Scheduler` of two jobs in memory, that gives way to other tasks as a round trip does.

Shares its contract test with the real adapter (tests/integration/test_switch.py)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from coordinator.adapters.scheduling.job_control import SchedulerError
from coordinator.sweeping.demand import JobState


async def give_way() -> None:
    """Lets other tasks go first."""
    await asyncio.sleep(0)


@dataclass
class MemoryScheduler:
    """`on` tells which jobs run; `is_down` makes every call fail."""

    on: dict[str, bool] = field(
        default_factory=lambda: {"collector-0": True, "prober-even-0": True, "payout": True}
    )
    switched: tuple[str, ...] = ("collector-0", "prober-even-0")
    is_down: bool = False
    turn: Callable[[], Awaitable[None]] = give_way

    @property
    def measures(self) -> bool:
        """Whether all jobs that measure run."""
        return all(self.on[name] for name in self.switched)

    async def states(self) -> list[JobState]:
        await self._call()
        return [
            JobState(name, not on, None, None, "", name in self.switched)
            for name, on in self.on.items()
        ]

    async def switch(self, *, on: bool) -> None:
        for name in self.switched:
            await self._call()
            if self.on[name] != on:
                await self._call()
                self.on[name] = on

    async def _call(self) -> None:
        await self.turn()
        if self.is_down:
            raise SchedulerError("the scheduler is down")
