"""How many heartbeats that change something are taken in at once, and how long others may wait.

Thousands of nodes come within seconds when a popular stream begins. Each costs a call back and two
operations of the database. Who waited longer than its client does would be served in vain and come
again: so whoever would wait long is turned away at once, and told when there is a place.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import ceil

from api.http.problems import Problem, ProblemKind
from api.services.dial_back import AT_ONCE_MAX as CALLED_BACK_MAX
from coordinator.adapters.clock import Clock

AT_ONCE_MAX = CALLED_BACK_MAX + 32
"""Whoever does not answer a call back holds a place for seconds: others have to get by."""
WAIT_S_MAX = 3.0
"""An agent waits fifteen seconds for an answer, and two of them come before this one."""
AGAIN_S_MAX = 60
TOOK_S_FIRST = 0.2
"""What one is thought to take, before any has ended."""
AGAIN_PACE = 2.0
"""So much faster others are told to come again than places are given: while a crowd comes, half of
the work is to turn away and to ask for what is to be signed. Who comes too early is told again."""
TOOK_SHARE = 0.05
"""How much of what is thought the last one decides."""


@dataclass
class Arrivals:
    """Places, given in the order that they were asked for."""

    steady: Clock
    """It only grows."""
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE_MAX))
    _here: int = 0
    """Who has a place, or waits for one."""
    _took_s: float = TOOK_S_FIRST
    _promised_s: float = 0.0
    """The instant that was last promised to somebody who was turned away."""

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place for the block. Problem if it would not be free soon."""
        each_s = self._took_s / AT_ONCE_MAX
        waits_s = (self._here - AT_ONCE_MAX) * each_s
        if waits_s > WAIT_S_MAX:
            raise self._turned_away(waits_s, each_s)
        self._here += 1
        try:
            async with self._places:
                begun_s = self.steady()
                yield
                self._took_s += TOOK_SHARE * (self.steady() - begun_s - self._took_s)
        finally:
            self._here -= 1

    def _turned_away(self, waits_s: float, each_s: float) -> Problem:
        """Each is promised another instant, at the pace at which places are given."""
        now_s = self.steady()
        self._promised_s = max(self._promised_s + each_s / AGAIN_PACE, now_s + waits_s)
        again_s = min(AGAIN_S_MAX, ceil(self._promised_s - now_s))
        says = f"Many nodes come at this moment: call again in {again_s} s."
        return Problem(ProblemKind.UNAVAILABLE, says, retry_after=again_s)
