"""What a part of the network holds: memory, descriptors, connections, processes, from /proc."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from emulator.processes.proctable import marked


@dataclass(frozen=True, slots=True)
class HeldResources:
    """By a part with all that it has started."""

    memory_mb: float
    """What it has written, in memory or swapped out. Programs and libraries are left out: their
    pages come and go with the machine's cache, and are divided among all who have them."""
    descriptors: int
    connections: int
    processes: int


def held_by(marks: list[str]) -> HeldResources:
    """By all processes that carry one of the marks; who ends meanwhile is left out."""
    memory_kb = descriptors = connections = processes = 0
    for pid in (pid for mark in marks for pid in marked(mark)):
        with contextlib.suppress(OSError):
            written_kb = written(Path(f"/proc/{pid}/smaps_rollup").read_text())
            links = [_link(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]
            memory_kb += written_kb
            descriptors += len(links)
            connections += sum(link.startswith("socket:") for link in links)
            processes += 1
    return HeldResources(memory_kb / 1_024, descriptors, connections, processes)


def written(rollup: str) -> int:
    """Kilobytes of it; pages that several processes have written are divided among them."""
    found = dict(line.split(":", 1) for line in rollup.splitlines()[1:])
    return sum(int(found[name].split()[0]) for name in ("Pss_Anon", "SwapPss"))


def _link(path: str) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(path)
    return ""
