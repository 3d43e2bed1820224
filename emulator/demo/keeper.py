"""Starts again whatever part of a running demo has died, and says when that cannot be."""

import asyncio
import time
from dataclasses import dataclass, field

from emulator.processes.supervisor import Child, Supervisor

LOOK_SECONDS = 0.2
PAUSE_S_MIN, PAUSE_S_MAX = 1.0, 30.0
STEADY_S = 60.0
"""Whoever ran so long did not die of how it was started."""
FORGETFUL = "firestore"
"""It holds all documents in memory: another one would be another network."""


class OverError(Exception):
    """The demo cannot go on. The message says why, and what to do."""


@dataclass
class Keeper:
    """Watches the children of a supervisor."""

    supervisor: Supervisor
    pause_s_min: float = PAUSE_S_MIN
    _seen: set[Child] = field(default_factory=set)
    _pauses_s: dict[str, float] = field(default_factory=dict)
    _due_s: dict[Child, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Until cancelled. Raises OverError, and OSError if a program is gone."""
        while True:
            now_s = time.time()
            for child in self.supervisor.children:
                if child.death is not None and child not in self._seen:
                    self._seen.add(child)
                    self._due_s[child] = now_s + self._pause_s(child)
            for child in [child for child, due_s in self._due_s.items() if due_s <= now_s]:
                del self._due_s[child]
                await self.supervisor.start(child.command)
            await asyncio.sleep(LOOK_SECONDS)

    def _pause_s(self, child: Child) -> float:
        """Longer each time for who dies again and again. Raises OverError."""
        if child.name == FORGETFUL:
            raise OverError(
                f"{child.death}. It holds everything in memory, so this demo is over: "
                "start another with make demo."
            )
        before_s = self._pauses_s.get(child.name, 0.0)
        died_s = child.death.at_s if child.death else 0.0
        pause_s = min(before_s * 2, PAUSE_S_MAX) if died_s - child.born_s < STEADY_S else 0.0
        self._pauses_s[child.name] = max(pause_s, self.pause_s_min)
        return self._pauses_s[child.name]
