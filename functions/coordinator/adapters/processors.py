"""How many processors this process may use, and how many it does.

The machine's are not all a container's."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
"""A container's own, in Linux' control groups (version 2): `quota period`, or `max period`."""

WINDOW_S = 5.0
"""A shorter one would take a moment's work for a busy machine."""


def processors(cpu_max: Path = CPU_MAX) -> float:
    """Those that it may run on, or its quota if that is less, which may be half of one."""
    available = float(len(os.sched_getaffinity(0)))
    try:
        quota, period = cpu_max.read_text().split()
        return min(available, int(quota) / int(period))
    except (OSError, ValueError):  # another system, or no quota
        return available


def cpu_seconds() -> float:
    """What this process and its children that have ended have used since it began."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


@dataclass
class ProcessorMeter:
    """How busy this process has been, over the last WINDOW_S or a little longer."""

    clock: Callable[[], float]
    used: Callable[[], float] = cpu_seconds
    _before: tuple[float, float] = field(init=False)
    """When it was looked at last, and what had been used by then."""
    _busy: float = 0.0

    def __post_init__(self) -> None:
        self._before = self.clock(), self.used()

    def busy(self) -> float:
        """Processors that it kept busy on average; 0 before the first window is over."""
        now_s, (before_s, used_before) = self.clock(), self._before
        if now_s - before_s >= WINDOW_S:
            used = self.used()
            self._busy = (used - used_before) / (now_s - before_s)
            self._before = now_s, used
        return self._busy
