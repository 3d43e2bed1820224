"""How much memory viewers take of a relay, in kilobytes: its own, and the kernel's for it."""

import time
from pathlib import Path

from bench.node.node_load import resident_mb
from bench.node.relay_scene import FILM_S, RelayScene
from bench.processes import MeasuredChild

HALF_MESSAGES = 200
SLOW_S = 18.0
WARM_S = FILM_S + 2.0
"""All of the film: before its largest pictures came once, a relay still grows by itself."""
LOOK_EVERY_S = 0.5
SETTLE_S = 3.0
_LOCAL, _QUEUES = 1, 4
"""Columns of /proc/net/tcp."""


def queued_kb(port: int) -> float:
    """What the kernel still has to send for a port."""
    end = f":{port:04X}"
    total = 0
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            columns = line.split()
            if columns[_LOCAL].endswith(end):
                total += int(columns[_QUEUES].partition(":")[0], 16)
    return total / 1e3


def held_kb(pid: int, port: int) -> float:
    """All that a relay holds."""
    return resident_mb(pid) * 1e3 + queued_kb(port)


def idle_kb(crowd: MeasuredChild, pid: int, port: int) -> float:
    """A viewer who watches, and has begun a message that never ends."""
    crowd.ask(f"watch {SETTLE_S}")
    before_kb = held_kb(pid, port)
    crowd.ask(f"half {port} {HALF_MESSAGES}")
    crowd.ask(f"watch {SETTLE_S}")
    found_kb = held_kb(pid, port) - before_kb
    crowd.ask("leave")
    return found_kb / HALF_MESSAGES


def slow_kb(crowd: MeasuredChild, pid: int, port: int) -> float:
    """One viewer who reads nothing, at the worst moment until it is thrown out.

    Several would share most of their bytes.
    """
    before_kb = _most_kb(pid, port, WARM_S)
    crowd.ask(f"slow {port} 1")
    most_kb = _most_kb(pid, port, SLOW_S)
    crowd.ask("leave")
    return most_kb - before_kb


def _most_kb(pid: int, port: int, seconds: float) -> float:
    until_s, most_kb = time.monotonic() + seconds, 0.0
    while time.monotonic() < until_s:
        most_kb = max(most_kb, held_kb(pid, port))
        time.sleep(LOOK_EVERY_S)
    return most_kb


def crowded_mb(scene: RelayScene, crowd: MeasuredChild, viewers: int) -> float:
    """The relay and its agent, while so many watch."""
    crowd.ask(f"join {scene.node.rtmp_port} {viewers}")
    crowd.ask(f"watch {SETTLE_S}")
    pids = (scene.node.relay_pid(), scene.node.process.pid)
    found_mb = sum(map(resident_mb, pids))
    crowd.ask("leave")
    return found_mb
