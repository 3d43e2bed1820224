"""The one place where the time is read.

Instants are told by a clock that never goes back while a process lives. Durations are measured by
one that nobody can set at all. So a clock that is set back by an hour stops nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

Clock = Callable[[], float]
"""Unix seconds, now."""
OFF_S_MAX = 900.0
"""How far a clock may be from another machine's word, which may be some minutes old when it comes:
triggers are repeated for so long."""
ANSWER_OFF_S_MAX = 60.0
"""The same of a word that comes at once: a call of the database may take ten seconds."""

_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _since_boot_s() -> float:
    """Goes on while a machine sleeps, where the system has such a clock."""
    return time.clock_gettime(_BOOT)


@dataclass
class SystemClock:
    """The machine's, followed forwards only: draws, sweeps and epochs are numbered by it, and what
    was done under a number is not done again."""

    wall: Clock = time.time
    since_boot: Clock = _since_boot_s
    steady: Clock = time.monotonic
    """Seconds that only grow, of no instant."""
    _ahead_s: float = -inf
    """What the wall clock was ahead of the other by, at most."""
    _wrong_s: float = 0.0
    """How far the wall clock is ahead of the database's, where that is far."""

    def __call__(self) -> float:
        """Unix seconds."""
        # In this order: never too far ahead.
        wall_s, boot_s = self.wall() - self._wrong_s, self.since_boot()
        self._ahead_s = max(self._ahead_s, wall_s - boot_s)
        return boot_s + self._ahead_s

    def agrees(self, witness_s: float) -> bool:
        """Whether it is about as another machine's clock. If only the machine's own is, it was set
        ahead and right again, and is followed back."""
        if abs(self() - witness_s) <= OFF_S_MAX:
            return True
        wall_s, boot_s = self.wall(), self.since_boot()
        if abs(wall_s - witness_s) > OFF_S_MAX:
            return False
        self._ahead_s, self._wrong_s = wall_s - boot_s, 0.0
        return True

    def follow(self, witness_s: float) -> float:
        """Goes on by what another machine's clock is now, if this one is far from it: by how much
        it was ahead, else 0."""
        off_s = self() - witness_s
        if abs(off_s) <= ANSWER_OFF_S_MAX:
            return 0.0
        self._wrong_s += off_s
        self._ahead_s -= off_s
        return off_s


system_clock = SystemClock()


def steady(clock: Clock) -> Clock:
    """What measures durations beside a clock. A simulated one only grows, and does so itself."""
    found: Clock = getattr(clock, "steady", clock)
    return found


def agrees(clock: Clock, witness_s: float) -> bool:
    """Whether a clock is about as another machine's. The machine's own may be put right by it."""
    if isinstance(clock, SystemClock):
        return clock.agrees(witness_s)
    return abs(clock() - witness_s) <= OFF_S_MAX
