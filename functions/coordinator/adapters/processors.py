"""How many processors this process may use: the machine's are not all a container's."""

import os
from pathlib import Path

CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
"""A container's own, in Linux' control groups (version 2): `quota period`, or `max period`."""


def processors(cpu_max: Path = CPU_MAX) -> float:
    """Those that it may run on, or its quota if that is less, which may be half of one."""
    available = float(len(os.sched_getaffinity(0)))
    try:
        quota, period = cpu_max.read_text().split()
        return min(available, int(quota) / int(period))
    except (OSError, ValueError):  # another system, or no quota
        return available
