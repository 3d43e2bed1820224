"""Child processes of a measurement: pinned to a core, asked for their CPU time, always ended."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.report import NotMeasurableError

START_SECONDS_MAX = 30.0


def two_cores() -> tuple[int, int]:
    """(client's core, server's core): the measured side never shares one with the other side."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise NotMeasurableError("This measurement needs two cores: one for each side.")
    return cores[0], cores[1]


def cpu_s(pid: int) -> float:
    """User and system seconds that a running process has spent, all its threads, to the nanosecond.

    Its clock's number is made as clock_getcpuclockid(3) makes it; OSError if it has ended.
    """
    return time.clock_gettime((~pid << 3) | 2)


def allow_files(count: int) -> None:
    """So many open files for this process; NotMeasurableError where it may not have them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count and hard != resource.RLIM_INFINITY:
        raise NotMeasurableError(f"{count} open files are needed, and {hard} allowed: ulimit -Hn")
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def tree_cpu_s(pid: int) -> float:
    """The same of a process and of all that it has started, as far as they run."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return cpu_s(pid) + sum(map(tree_cpu_s, map(int, children)))


@contextmanager
def pinned(core: int, pids: Iterable[int]) -> Iterator[None]:
    """Running processes on one core; afterwards wherever this process may run."""
    allowed, pids = os.sched_getaffinity(0), list(pids)
    _allow(pids, {core})
    try:
        yield
    finally:
        _allow(pids, allowed)


def _allow(pids: Iterable[int], cores: set[int]) -> None:
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").glob("*"):
            with suppress(ProcessLookupError):  # a thread that has just ended
                os.sched_setaffinity(int(thread.name), cores)


class MeasuredChild:
    """A pinned child process; leaving the block ends it."""

    def __init__(
        self, argv: Sequence[str], core: int, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._argv, self._core, self._log, self._env = argv, core, log, env
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **(self._env or {})},
                preexec_fn=lambda: os.sched_setaffinity(0, {self._core}),  # noqa: PLW1509 - no threads yet
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        process = self.process
        self.resume()
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()

    @property
    def process(self) -> "subprocess.Popen[str]":
        """The running child."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process

    def says(self) -> str:
        """The next line it prints; NotMeasurableError with its log if it ended."""
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            told = self._log.read_text()[-2000:]
            raise NotMeasurableError(f"{self._argv[0]} ended early:\n{told}")
        return line.strip()

    def tell(self, line: str) -> None:
        """Writes a line."""
        if self.process.stdin is None:
            raise RuntimeError("no pipe")
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(self, line: str) -> str:
        """Writes a line and returns the answer's line."""
        self.tell(line)
        return self.says()

    def cpu_s(self) -> float:
        """User and system seconds spent so far by it and by the workers that it started."""
        return sum(map(cpu_s, self.pids))

    @property
    def pids(self) -> list[int]:
        """Its own, and those of the workers that it started."""
        pid = self.process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, workers)]

    @contextmanager
    def held(self) -> Iterator[None]:
        """It does nothing meanwhile, nor do its workers: what comes waits for it."""
        pids = self.pids
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def pause(self) -> None:
        """Stops it until `resume`, so that it takes nothing from the others' rounds."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on."""
        self.process.send_signal(signal.SIGCONT)


def wait_for(
    is_so: Callable[[], bool],
    what: str,
    *,
    seconds_max: float = START_SECONDS_MAX,
    look_every_s: float = 0.05,
) -> None:
    """Returns when `is_so()` is true; NotMeasurableError after `seconds_max`.

    `look_every_s`: how exactly the moment is met.
    """
    deadline = time.monotonic() + seconds_max
    while not is_so():
        if time.monotonic() > deadline:
            raise NotMeasurableError(f"{what} did not come in {seconds_max:.0f} s")
        time.sleep(look_every_s)
