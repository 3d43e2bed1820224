"""Programs that smoke starts: alone in a session, and gone when it goes."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

END_S_MAX = 5.0
"""For saying goodbye. A node promises to need less than two seconds."""
LAST_BYTES = 4096
"""Of what a program printed: its last line is what ended it."""


@dataclass(frozen=True)
class Program:
    """One that runs, with a file of all that it prints."""

    process: subprocess.Popen[bytes]
    printed: Path

    @property
    def has_ended(self) -> bool:
        """Whether it ended by itself."""
        return self.process.poll() is not None

    def last_line(self, secret: str = "") -> str:
        """What it said last, without a key and without what could steer a terminal."""
        with self.printed.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LAST_BYTES))
            said = file.read().decode(errors="replace")
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        last = "".join(c for c in (lines or ["it said nothing"])[-1] if c.isprintable())
        return last.replace(secret, "***") if secret else last


@contextlib.contextmanager
def running(argv: Sequence[str], env: Mapping[str, str], printed: Path) -> Iterator[Program]:
    """Ended with all that it started. Raises OSError where there is no such program.

    In a session of its own, so that Ctrl-C reaches it by us, after what has to be said first."""
    with printed.open("wb") as out:
        process = subprocess.Popen(
            argv,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Program(process, printed)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_S_MAX)
        # What it started may live on; macOS says that a group of the dead alone is not ours.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
