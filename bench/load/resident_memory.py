"""How much memory a part takes at its worst: all its processes, what they share counted once."""

import asyncio
from collections.abc import Callable
from pathlib import Path

LOOK_EVERY_S = 1.0


def proportional_mb(pid: int) -> float:
    """Of a process and all that it has started; 0 of one that has ended."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it is being started again
        return 0.0
    own = next((line for line in told.splitlines() if line.startswith("Pss:")), "Pss: 0 kB")
    return int(own.split()[1]) / 1e3 + sum(proportional_mb(int(child)) for child in children)


class MemoryWatch:
    """The most that was seen of each part."""

    def __init__(self, pids: Callable[[], dict[str, int]]) -> None:
        """`pids`: the parts, and their first processes, as they are now."""
        self._pids = pids
        self.worst_mb: dict[str, float] = {}

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            for name, pid in self._pids().items():
                # The kernel counts all pages of a part: whoever is timed here goes on meanwhile.
                found_mb = await asyncio.to_thread(proportional_mb, pid)
                self.worst_mb[name] = max(self.worst_mb.get(name, 0.0), found_mb)
            await asyncio.sleep(LOOK_EVERY_S)
