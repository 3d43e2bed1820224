"""How much of the machine's memory the queues of the relay may take."""

import os
from contextlib import suppress
from pathlib import Path

from agent.relay.restream.admission import MEMORY_BYTES_MAX, MEMORY_SHARE_MAX

CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""A container's own limit, in bytes, or the word max."""


def room_for_queues(container_limit: Path = CONTAINER_LIMIT) -> int:
    """In bytes: as much as on a large machine, or a share of a small one or of its container."""
    there = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    with suppress(OSError, ValueError):  # no container, or one without a limit
        there.append(int(container_limit.read_text()))
    return min(MEMORY_BYTES_MAX, int(min(there) * MEMORY_SHARE_MAX))
