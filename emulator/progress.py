"""How far a long download is: one line redrawn on a terminal, a few lines anywhere else."""

import os
from typing import TextIO

REDRAW_SECONDS = 0.2
LINES = 4
"""So many lines tell of a whole download where nothing can be redrawn."""
_BAR_CHARS_MAX = 30
_MEGA = 1_000_000


class ProgressBar:
    """Told of every piece that came; draws what is worth it."""

    def __init__(self, stream: TextIO, what: str, total_bytes: int) -> None:
        self._stream = stream
        self._what = what
        self._total_bytes = total_bytes
        self._is_terminal = stream.isatty()
        self._drawn_s = float("-inf")
        self._steps = -1

    def show(self, done_bytes: int, now_s: float) -> None:
        """`now_s` is any steady clock."""
        if self._is_terminal:
            if now_s - self._drawn_s >= REDRAW_SECONDS or done_bytes >= self._total_bytes:
                self._drawn_s = now_s
                room = self._columns() - 1  # a full line would wrap, and leave a trail
                self._write("\r" + self._line(done_bytes, room).ljust(room))
        elif (steps := done_bytes * LINES // self._total_bytes) > self._steps:
            self._steps = steps
            self._write(self._numbers(done_bytes) + "\n")

    def close(self) -> None:
        """Leaves the line as it is, and the next output on one of its own."""
        if self._is_terminal and self._drawn_s > float("-inf"):
            self._write("\n")

    def _columns(self) -> int:
        return os.get_terminal_size(self._stream.fileno()).columns or 80

    def _line(self, done_bytes: int, columns: int) -> str:
        numbers = self._numbers(done_bytes)
        room = min(columns - len(numbers) - 3, _BAR_CHARS_MAX)
        if room < 1:
            return numbers[:columns]
        full = done_bytes * room // self._total_bytes
        return f"{numbers} [{'#' * full}{'.' * (room - full)}]"

    def _numbers(self, done_bytes: int) -> str:
        percent = done_bytes * 100 // self._total_bytes
        done, total = done_bytes / _MEGA, self._total_bytes / _MEGA
        return f"{self._what}: {done:.1f} of {total:.1f} MB ({percent} %)"

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
