"""A supervisor of child processes that leaves nothing behind, however it ends.

A death is noticed at once, reported with the child's last output, and everything else goes on;
whether a child is started again is for others to decide. Each child carries a mark in its
environment, by which its descendants are found and ended too, wherever they have hidden.
One module: a child's start, its watch and its end hold on to the same few facts of it.
"""

import asyncio
import contextlib
import ctypes
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emulator.processes.output import Output
from emulator.processes.proctable import MARK, kill_marked

TERM_SECONDS_MAX = 1.2
KILL_SECONDS_MAX = 1.0
GUARD_PAUSE_SECONDS = 0.2
_READ_BYTES = 65_536
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. `env` is the whole environment; nothing is inherited."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path = _ROOT
    layer: int = 0
    """Children of a higher layer lean on lower ones, and are stopped before them."""


@dataclass(frozen=True, slots=True)
class Death:
    """A child that ended although nobody asked it to."""

    name: str
    pid: int
    returncode: int
    at_s: float
    output: tuple[str, ...]

    @property
    def how(self) -> str:
        """ "exited with 1" or "was killed by SIGKILL"."""
        if self.returncode >= 0:
            return f"exited with {self.returncode}"
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(-self.returncode).name}"
        return f"was killed by signal {-self.returncode}"

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid}) {self.how}"


class Child:
    """A running child; made by `Supervisor.start`."""

    def __init__(
        self, command: Command, mark: str, output: Output, process: asyncio.subprocess.Process
    ) -> None:
        self.command = command
        self.mark = mark
        self.output = output
        self.process = process
        self.born_s = time.time()
        self.death: Death | None = None

    @property
    def name(self) -> str:
        return self.command.name

    @property
    def pid(self) -> int:
        return self.process.pid


class Supervisor:
    """Starts children, watches them, and stops them, the last ones first.

    `async with Supervisor(logs) as supervisor: await supervisor.start(command)`
    The folder `scratch` is removed at the end, whatever the end is.
    """

    def __init__(
        self,
        logs: Path,
        on_death: Callable[[Death], None] = lambda _: None,
        scratch: Path | None = None,
    ) -> None:
        self._logs = logs
        self._scratch = [str(scratch)] if scratch else []
        self._on_death = on_death
        self._token = secrets.token_hex(8)
        self._watches: dict[Child, asyncio.Task[None]] = {}
        self._guard: asyncio.subprocess.Process | None = None
        self._guard_watch: asyncio.Task[None] | None = None
        self._stopping = False
        self.deaths: list[Death] = []

    @property
    def children(self) -> list[Child]:
        return list(self._watches)

    @property
    def guard_pid(self) -> int:
        """0 before the start."""
        return self._guard.pid if self._guard else 0

    async def __aenter__(self) -> "Supervisor":
        self._logs.mkdir(parents=True, exist_ok=True)
        # Orphans of a dead child come to us, so that those we kill do not stay as zombies.
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self._guard = await self._new_guard()
        self._guard_watch = asyncio.create_task(self._watch_guard())
        return self

    async def _new_guard(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "emulator.processes.survivor", self._token, *self._scratch),
            stdin=asyncio.subprocess.PIPE,
            env={"PYTHONPATH": str(_ROOT), "PATH": os.defpath},
            cwd=_ROOT,
            start_new_session=True,
        )

    async def __aexit__(self, *_: object) -> None:
        """Stops everything, also if it is cancelled while doing so."""
        stopping = asyncio.ensure_future(self.stop())
        cancelled = False
        while not stopping.done():
            try:
                await asyncio.shield(stopping)
            except asyncio.CancelledError:
                cancelled = True
        stopping.result()
        if cancelled:
            raise asyncio.CancelledError

    async def start(self, command: Command) -> Child:
        """Starts a child. Raises OSError if the program is not there."""
        mark = f"{self._token}/{command.name}"
        output = Output(self._logs / f"{command.name}.log")
        reader, writer = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                env={**command.env, MARK: mark},
                cwd=command.cwd,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),
            )
        except BaseException:
            os.close(reader)
            output.close()
            raise
        finally:
            os.close(writer)
        os.set_blocking(reader, False)
        asyncio.get_running_loop().add_reader(reader, _drain, reader, output)
        child = Child(command, mark, output, process)
        self._watches[child] = asyncio.create_task(self._watch(child, reader))
        return child

    async def _watch(self, child: Child, reader: int) -> None:
        returncode = await child.process.wait()
        # What it leaves behind would keep its ports and pipes open.
        killed = await asyncio.to_thread(kill_marked, child.mark)
        _drain(reader, child.output)
        asyncio.get_running_loop().remove_reader(reader)
        os.close(reader)
        child.output.close()
        if not self._stopping:
            child.death = self._died(child.name, child.pid, returncode, child.output.tail())
        await _reap(killed)

    async def _watch_guard(self) -> None:
        """A guard that dies is replaced: without one, a kill of us would leave grandchildren."""
        while self._guard is not None:
            returncode = await self._guard.wait()
            if self._stopping:
                return
            self._died("guard", self._guard.pid, returncode, [])
            await asyncio.sleep(GUARD_PAUSE_SECONDS)
            if self._stopping:
                return
            self._guard = await self._new_guard()
            if self._stopping and self._guard.stdin is not None:
                self._guard.stdin.close()

    def _died(self, name: str, pid: int, returncode: int, output: list[str]) -> Death:
        death = Death(name, pid, returncode, time.time(), tuple(output))
        self.deaths.append(death)
        self._on_death(death)
        return death

    async def stop(self) -> None:
        """Ends everything, the highest layer first: SIGTERM, then SIGKILL for what is left.

        Takes at most TERM_SECONDS_MAX for each layer and KILL_SECONDS_MAX. Idempotent."""
        self._stopping = True
        for layer in sorted({child.command.layer for child in self._watches}, reverse=True):
            going = [child for child in self._watches if child.command.layer == layer]
            await self._end(going[::-1])
        # Also what a child has started and that has outlived it.
        await asyncio.to_thread(kill_marked, self._token)
        await _wait(self._watches.values(), KILL_SECONDS_MAX)
        if self._guard is not None and self._guard.stdin is not None and self._guard_watch:
            self._guard.stdin.close()
            await self._guard_watch
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 0)

    async def _end(self, children: Sequence[Child]) -> None:
        running = [child for child in children if not self._watches[child].done()]
        for child in running:
            _signal(child, signal.SIGTERM)
        await _wait([self._watches[child] for child in running], TERM_SECONDS_MAX)
        for child in running:
            if not self._watches[child].done():
                _signal(child, signal.SIGKILL)


async def _wait(watches: Iterable[asyncio.Task[None]], seconds_max: float) -> None:
    if pending := [watch for watch in watches if not watch.done()]:
        await asyncio.wait(pending, timeout=seconds_max)


def _signal(child: Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, number)


def _die_with(parent_pid: int) -> Callable[[], None]:
    """Runs in the child before exec: the kernel shall kill it when its parent dies."""

    def arrange() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:  # died in between
            os._exit(1)

    return arrange


def _drain(reader: int, output: Output) -> None:
    """Reads what the child has printed, without waiting for more."""
    with contextlib.suppress(BlockingIOError):
        while data := os.read(reader, _READ_BYTES):
            output.feed(data, time.time())
            if len(data) < _READ_BYTES:
                return
        asyncio.get_running_loop().remove_reader(reader)  # closed at the other end


async def _reap(pids: set[int]) -> None:
    """Collects the exit of killed orphans, so that no zombie stays."""
    deadline_s = time.monotonic() + KILL_SECONDS_MAX
    while pids and time.monotonic() < deadline_s:
        for pid in list(pids):
            try:
                if os.waitpid(pid, os.WNOHANG)[0] == pid:  # noqa: ASYNC222 - WNOHANG does not wait
                    pids.discard(pid)
            except ChildProcessError:
                pids.discard(pid)
        await asyncio.sleep(0.02)
