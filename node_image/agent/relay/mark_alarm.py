"""Notices that the relay left its upstream because of a mark, and has the coordinator asked."""

import asyncio
import logging
from collections.abc import Callable

from agent.log import AgentEvent, log
from agent.relay.engines.engine import Marks

LOOK_EVERY_S = 1.0


class MarkAlarm:
    """Either somebody changes the stream, or its ingest has a new key: the answer tells which."""

    def __init__(self, ask: Callable[[], None]) -> None:
        """`ask` has the coordinator asked soon."""
        self._ask = ask
        self._known = 0

    async def watch(self, marks: Callable[[], Marks | None]) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look(marks())

    def look(self, marks: Marks | None) -> None:
        """What the relay says of its upstream now; its counts begin anew when it does."""
        left = marks.left if marks else {}
        count = sum(left.values())
        if count > self._known:
            log(AgentEvent.UPSTREAM_LEFT, logging.WARNING, findings=dict(left))
            self._ask()
        self._known = count
