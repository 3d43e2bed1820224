"""What the kernel says about processes and ports, read from /proc (Linux only)."""

import contextlib
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MARK = "RESTREAM_CHILD"
"""Environment variable that every child, and so every descendant of a child, carries."""

_LISTEN = "0A"
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_KILL_ROUNDS_MAX = 20


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that listens on a port."""

    name: str
    pid: int

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})"


def listening_inodes(table: str, port: int) -> set[int]:
    """Socket inodes that listen on `port`, from the text of /proc/net/tcp or tcp6."""
    found = set()
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != _LISTEN:
            continue
        if int(fields[1].rpartition(":")[2], 16) == port:
            found.add(int(fields[9]))
    return found


def holder_of(port: int, proc: Path = PROC) -> Holder | None:
    """Who listens on `port`; None if nobody does or it is another user's process."""
    inodes: set[int] = set()
    for table in ("net/tcp", "net/tcp6"):
        with contextlib.suppress(OSError):
            inodes |= listening_inodes((proc / table).read_text(), port)
    if not inodes:
        return None
    for pid in pids(proc):
        if inodes & _socket_inodes(proc / str(pid) / "fd"):
            with contextlib.suppress(OSError):
                return Holder((proc / str(pid) / "comm").read_text().strip(), pid)
    return None


def _socket_inodes(descriptors: Path) -> set[int]:
    """Inodes of the sockets in a /proc/<pid>/fd folder; empty if we may not look."""
    found = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(descriptors):
            with contextlib.suppress(OSError):
                if match := _SOCKET.fullmatch(os.readlink(descriptors / name)):
                    found.add(int(match[1]))
    return found


def pids(proc: Path = PROC) -> list[int]:
    """Every process there is now."""
    return [int(name) for name in os.listdir(proc) if name.isdigit()]


def marked(mark: str, proc: Path = PROC) -> list[int]:
    """Processes whose environment carries `mark` or a mark below it (`mark/…`).

    The environment is inherited however a process detaches itself: new groups, new sessions and
    dead parents do not hide it. Zombies have none and are not found.
    """
    entry = f"{MARK}={mark}".encode()
    found = []
    for pid in pids(proc):
        try:
            environ = (proc / str(pid) / "environ").read_bytes()
        except OSError:
            continue
        if any(v == entry or v.startswith(entry + b"/") for v in environ.split(b"\0")):
            found.append(pid)
    return found


def kill_marked(mark: str) -> set[int]:
    """SIGKILLs every process that carries `mark`, until none is left. Returns their pids."""
    killed: set[int] = set()
    for _ in range(_KILL_ROUNDS_MAX):  # a process may fork while we look
        found = [pid for pid in marked(mark) if pid != os.getpid()]
        if not found:
            break
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed.update(found)
    return killed
