"""A media tool as a child process that can be left alone with hostile input.

argv only, no shell; resource limits by prlimit; an environment of PATH alone; nothing on stdin but
what it is given; a session of its own; output bounded; killed with SIGKILL as a group, and always
reaped, also when the caller is cancelled.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"
LINE_BYTES_MAX = 4096
STDERR_BYTES_MAX = 16_384
READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What the kernel allows the child; None means unlimited."""

    cpu_s: int | None = 8
    memory_bytes: int = 1_500_000_000
    files: int = 24

    def wrap(self, argv: Sequence[str]) -> list[str]:
        """The argv that runs `argv` under these limits: no core dump, no byte into any file."""
        cpu = [] if self.cpu_s is None else [f"--cpu={self.cpu_s}"]
        kept = [f"--as={self.memory_bytes}", f"--nofile={self.files}", "--fsize=0", "--core=0"]
        return ["prlimit", *cpu, *kept, "--", *argv]


@dataclass(frozen=True, slots=True)
class Start:
    """What a tool logs when it begins its work: its time counts from there."""

    says: bytes
    seconds_max: float
    """It may take so long to come there; then its time is over."""
    begun: Callable[[], None]
    """Called at that moment; never for a tool whose time is over."""


@dataclass(slots=True)
class ToolEnd:
    """How a child ended."""

    cpu_s: float = 0.0
    """CPU seconds, user and system."""
    waited_s: float = 0.0
    """How long it could have run and was not let to, as far as the kernel tells."""
    stderr: bytes = b""
    """The first 16 KiB; the rest is read and dropped."""
    is_overdue: bool = False
    """True if it was killed because its time was over."""


@dataclass(slots=True)
class _Run:
    """One child while it runs. `on_data` gets what stdout says, as it is read."""

    child: subprocess.Popen[bytes]
    on_data: Callable[[bytes], bool]
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when stdout ends or nothing more is wanted from it."""
    stderr: bytearray = field(default_factory=bytearray)
    begins: tuple[bytes, Callable[[], None]] | None = None
    """What stderr will say when the tool begins its work, and what to do then."""

    def watch(self) -> None:
        """Call back whenever the child has written something."""
        loop = asyncio.get_running_loop()
        for fd, read in ((self.out, self._read_out), (self.err, self._read_err)):
            os.set_blocking(fd, False)
            loop.add_reader(fd, read)

    def unwatch(self) -> None:
        """Take the last words and close the pipes; for a child that is gone."""
        loop = asyncio.get_running_loop()
        self.begins = None
        while self._read_err():
            pass
        for fd in (self.out, self.err):
            loop.remove_reader(fd)
        for pipe in self.pipes:
            pipe.close()

    @property
    def pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """The child's stdout and stderr; `_spawn` asks for both."""
        return cast("IO[bytes]", self.child.stdout), cast("IO[bytes]", self.child.stderr)

    @property
    def out(self) -> int:
        """File descriptor of the child's stdout."""
        return self.pipes[0].fileno()

    @property
    def err(self) -> int:
        """File descriptor of the child's stderr."""
        return self.pipes[1].fileno()

    def _read_out(self) -> None:
        data = _read(self.out)
        if data is None:
            return
        if not data or not self.on_data(data):
            asyncio.get_running_loop().remove_reader(self.out)
            self.finished.set()

    def _read_err(self) -> bool:
        data = _read(self.err)
        if data == b"":
            asyncio.get_running_loop().remove_reader(self.err)
        elif data:
            self.stderr += data[: max(0, STDERR_BYTES_MAX - len(self.stderr))]
            if self.begins is not None and self.begins[0] in self.stderr:
                (_, begin), self.begins = self.begins, None
                begin()
        return bool(data)


def by_line(on_line: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
    """For `run_tool`: gives `on_line` each whole line; a line that is too long ends it all."""
    partial = b""

    def take(data: bytes) -> bool:
        nonlocal partial
        *lines, partial = (partial + data).split(b"\n")
        return all(map(on_line, lines)) and len(partial) <= LINE_BYTES_MAX

    return take


async def run_tool(  # noqa: PLR0913 - an outside call names everything that bounds it
    argv: Sequence[str],
    *,
    limits: ProcessLimits,
    seconds_max: float | None,
    on_data: Callable[[bytes], bool],
    start: Start | None = None,
    given: bytes = b"",
    passed: Sequence[int] = (),
) -> ToolEnd:
    """Run a tool until it closes stdout, `on_data` returns False, or the time is over.

    `given` is what it can read from stdin, and `passed` are descriptors that it has by the same
    numbers as we. `seconds_max` count from here, or from the tool's own
    `start`. Whatever happens, cancellation
    included, no process is left behind. Raises OSError if the child cannot be started.
    """
    run = _Run(_spawn(limits.wrap(argv), given, passed), on_data)
    ended = ToolEnd()
    try:
        async with asyncio.timeout(start.seconds_max if start else seconds_max) as timer:
            if start is not None:
                run.begins = start.says, lambda: _begin(start, timer, seconds_max)
            run.watch()
            await run.finished.wait()
    except TimeoutError:
        ended.is_overdue = True
    finally:
        _reap(run, ended)
    return ended


def _begin(start: Start, timer: asyncio.Timeout, seconds_max: float | None) -> None:
    if timer.expired():
        return
    now = asyncio.get_running_loop().time()
    timer.reschedule(None if seconds_max is None else now + seconds_max)
    start.begun()


def _spawn(argv: Sequence[str], given: bytes, passed: Sequence[int]) -> subprocess.Popen[bytes]:
    with readable(given) as stdin:
        return _started(argv, stdin, passed)


def readable(data: bytes) -> IO[bytes]:
    """A file in memory alone: nothing has to be written while the child runs."""
    if not data:
        return open(os.devnull, "rb")
    file = os.fdopen(os.memfd_create("given"), "w+b")
    file.write(data)
    file.seek(0)
    return file


def _started(
    argv: Sequence[str], stdin: IO[bytes], passed: Sequence[int]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd="/",
        env={"PATH": SEARCH_PATH},
        start_new_session=True,
        pass_fds=passed,
    )


def _reap(run: _Run, ended: ToolEnd) -> None:
    """Kill the child's whole group, collect the child, and read what it still had to say.

    A tool that closed stdout is on its way out, so killing it loses nothing. Not asynchronous on
    purpose: a killed process is gone in a millisecond, and no cancellation can come between.
    """
    # The leader is not collected yet, so its group id cannot belong to anybody else.
    os.killpg(run.child.pid, signal.SIGKILL)
    ended.waited_s = waited_s(run.child.pid)
    _, status, usage = os.wait4(run.child.pid, 0)
    run.child.returncode = os.waitstatus_to_exitcode(status)
    ended.cpu_s = usage.ru_utime + usage.ru_stime
    run.unwatch()
    ended.stderr = bytes(run.stderr)


def waited_s(pid: int) -> float:
    """How long a process waited for a processor; 0 where the kernel does not say.

    The second number of `/proc/PID/schedstat`, in nanoseconds (Documentation/scheduler)."""
    try:
        told = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()
        return int(told[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _read(fd: int) -> bytes | None:
    try:
        return os.read(fd, READ_BYTES)
    except BlockingIOError:
        return None
