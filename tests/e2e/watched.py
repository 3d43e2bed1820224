"""Processes that a test starts, waits for and stops."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[2]
AGENT_PATH = f"{ROOT / 'node_image'}{os.pathsep}{ROOT}"
"""PYTHONPATH of an agent that is run from this tree."""
HOST = "127.0.0.1"
WAIT_S_MAX = 60.0
"""A node that was told no turn by its ingest waits for 15 s of them before it tries again."""
P = TypeVar("P", bound="Watched")


def is_listening(port: int) -> bool:
    """True if something accepts connections on the port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def wait_for(
    what: str, condition: Callable[[], Any], tell: Callable[[], str], seconds: float = WAIT_S_MAX
) -> Any:
    """The first truthy value of `condition`; fails with what was told when it never comes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        # The pace of looking: what is waited for lies in another process, which wakes nobody here.
        time.sleep(0.05)
    raise AssertionError(f"never came within {seconds:g} s: {what}\n{tell()}")


class Watched:
    """A process whose output is kept, to be shown when a test fails."""

    def __init__(self, command: list[str], env: dict[str, str] | None = None) -> None:
        # A file and not a pipe: nobody has to drain it while the test looks elsewhere. It is open
        # for as long as the process may be looked at, which no block here could enclose.
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - stop() closes it
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=ROOT,
        )

    @property
    def output(self) -> str:
        """Everything it wrote so far."""
        return os.pread(self._output.fileno(), 1_000_000, 0).decode(errors="replace")

    def wait(self, seconds: float = WAIT_S_MAX) -> int:
        """Its exit code; fails with its output when it does not end."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired as e:
            raise AssertionError(f"did not end within {seconds:g} s\n{self.output}") from e

    def stop(self) -> None:
        """End it, kindly at first."""
        try:
            if self.process.poll() is None:
                self.process.terminate()
                try:
                    self.process.wait(6)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait(5)
        finally:
            self._output.close()


@contextmanager
def running(process: P) -> Iterator[P]:
    """Stop the process at the end, whatever happens."""
    try:
        yield process
    finally:
        process.stop()
