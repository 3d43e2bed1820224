"""Whether viewers can still get in: the agent calls at its own relay's port, as a viewer would.

A relay whose port is overrun (somebody holds thousands of connections) still answers the agent's
questions, so its statistics would claim what no viewer finds. A node that says so itself is not
paid for those minutes, and is not checked in them: whoever floods it cannot have it flagged.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from agent.log import AgentEvent, log

KNOCK_EVERY_S = 5.0
KNOCK_S_MAX = 4.0
"""Handed to the knock by whoever makes it."""
FAILURES_MIN = 2
"""One may be this machine's own hiccup."""
REMEMBERED_S = 90.0
"""Longer than polls are apart: a flood in pulses between them shows as well."""

Knock = Callable[[], Awaitable[bool]]


class OwnPort:
    """Knocks now and then, and remembers for a while that nobody opened."""

    def __init__(self, knock: Knock, clock: Callable[[], float]) -> None:
        """`clock` in seconds that only grow."""
        self._knock = knock
        self._clock = clock
        self._failures = 0
        self._overrun_until_s = 0.0

    @property
    def is_overrun(self) -> bool:
        """Whether viewers lately found the port shut."""
        return self._clock() < self._overrun_until_s

    async def look(self, is_running: bool) -> None:
        """Knock once. A relay that is being started is not overrun."""
        opened = not is_running or await self._knock()
        self._failures = 0 if opened else self._failures + 1
        if self._failures >= FAILURES_MIN:
            if not self.is_overrun:
                log(
                    AgentEvent.PORT_OVERRUN,
                    logging.WARNING,
                    reason="the relay's port takes no viewers",
                )
            self._overrun_until_s = self._clock() + REMEMBERED_S

    async def watch(self, is_running: Callable[[], bool]) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(KNOCK_EVERY_S)
            await self.look(is_running())
