"""A terminal of a given size: what a program that is shown on it looks like to its user.

It knows what a line-drawing program writes: text, returns, cursor up, erased lines, colours.
"""

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

SECONDS_MAX = 120.0
_CODE = re.compile(r"\x1b\[\??([0-9;]*)([A-Za-z])")


class Screen:
    """Lines of text, the last `rows` of which are seen; the others have scrolled away."""

    def __init__(self, columns: int, rows: int) -> None:
        self._columns = columns
        self._rows = rows
        self._lines = [""]
        self._row = 0
        self._column = 0

    @property
    def seen(self) -> str:
        return "\n".join(self._lines[-self._rows :])

    @property
    def all(self) -> str:
        """With what has scrolled away."""
        return "\n".join(self._lines)

    def resize(self, columns: int) -> None:
        """What is drawn stays as it is; a real one would wrap it, in ways of its own."""
        self._columns = columns

    def write(self, text: str) -> None:
        """Whatever the program has printed."""
        at = 0
        while at < len(text):
            if code := _CODE.match(text, at):
                self._obey(code[1], code[2])
                at = code.end()
                continue
            self._put(text[at])
            at += 1

    def _obey(self, number: str, verb: str) -> None:
        if verb == "A":
            # Nobody gets at what has scrolled away.
            first = max(0, len(self._lines) - self._rows)
            self._row = max(first, self._row - int(number or 1))
        elif verb == "J":
            assert number == "2", f"an unknown way to clear: {number}"
            del self._lines[max(0, len(self._lines) - self._rows) :]
            self._lines.append("")
            self._row, self._column = len(self._lines) - 1, 0
        elif verb == "H":
            assert not number, f"an unknown place: {number}"
        elif verb == "K":
            assert number == "2", f"an unknown way to erase: {number}"
            self._lines[self._row] = ""
        else:
            assert verb in "mhl", f"an unknown code: {number}{verb}"

    def _put(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._row += 1
            if self._row == len(self._lines):
                self._lines.append("")
        else:
            if self._column == self._columns:
                self._put("\r")
                self._put("\n")
            line = self._lines[self._row].ljust(self._column)
            self._lines[self._row] = line[: self._column] + character + line[self._column + 1 :]
            self._column += 1


class Terminal:
    """A program on a terminal of its own, as if somebody had typed its name there."""

    def __init__(
        self, argv: Sequence[str], cwd: Path, env: Mapping[str, str], columns: int, rows: int
    ) -> None:
        self.screen = Screen(columns, rows)
        self.printed = ""
        self._rows = rows
        self._ours, theirs = os.openpty()
        self.resize(columns)
        # setsid: so that Ctrl-C on this terminal is for the program and its children.
        self.process = subprocess.Popen(
            ("setsid", "--ctty", *argv),
            cwd=cwd,
            env={**env, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)

    def until(self, *texts: str) -> None:
        """Returns when all of them are seen at once; fails if that never comes."""
        deadline_s = time.monotonic() + SECONDS_MAX
        while not all(text in self.screen.seen for text in texts):
            assert time.monotonic() < deadline_s, f"{texts} never came:\n{self.screen.all}"
            assert self._read(), f"it ended before {texts}:\n{self.screen.all}"

    def resize(self, columns: int) -> None:
        """As if the user drew the window narrower."""
        size = struct.pack("HHHH", self._rows, columns, 0, 0)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, size)
        self.screen.resize(columns)

    def until_redrawn(self, times: int) -> None:
        """Returns when the dashboard's line was written so many more times."""
        wanted = self.printed.count("dashboard") + times
        while self.printed.count("dashboard") < wanted:
            assert self._read(), f"it ended before:\n{self.screen.all}"

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        os.write(self._ours, b"\x03")
        while self._read():
            pass
        return self.process.wait(SECONDS_MAX)

    def close(self) -> None:
        os.close(self._ours)
        self.process.kill()
        self.process.wait()

    def _read(self) -> bool:
        """Takes what is there, or waits for it; False once the program has closed it."""
        ready, _, _ = select.select([self._ours], [], [], SECONDS_MAX)
        assert ready, f"it says nothing any more:\n{self.screen.all}"
        try:
            data = os.read(self._ours, 65_536)
        except OSError:  # the other side is gone
            return False
        text = data.decode(errors="replace")
        self.printed += text
        self.screen.write(text)
        return bool(data)
