"""What a child printed: its last lines in memory, the rest in a log file of bounded size."""

from collections import deque
from pathlib import Path

LINES_MAX = 40
LINE_BYTES_MAX = 2_000
LOG_BYTES_MAX = 20_000_000


class Output:
    """Collects the bytes of one child's stdout and stderr."""

    def __init__(self, log: Path) -> None:
        self._log = log.open("ab", buffering=0)  # whoever is started again goes on below
        self._room_bytes = LOG_BYTES_MAX - self._log.tell()
        self._lines: deque[str] = deque(maxlen=LINES_MAX)
        self._partial = b""
        self.last_at_s = 0.0

    def feed(self, data: bytes, now_s: float) -> None:
        """Takes what was just read from the child."""
        self.last_at_s = now_s
        self._write(data)
        *whole, self._partial = (self._partial + data).split(b"\n")
        self._lines.extend(_text(line) for line in whole if line.strip())
        self._partial = self._partial[:LINE_BYTES_MAX]

    def tail(self) -> list[str]:
        """The last lines, oldest first; a line that was cut off by the end counts."""
        lines = list(self._lines)
        if self._partial.strip():
            lines.append(_text(self._partial))
        return lines

    def close(self) -> None:
        self._log.close()

    def _write(self, data: bytes) -> None:
        if self._room_bytes <= 0:
            return
        self._log.write(data[: self._room_bytes])
        self._room_bytes -= len(data)
        if self._room_bytes <= 0:
            self._log.write(b"\n[the log is full: nothing more is written]\n")


def _text(line: bytes) -> str:
    """Readable and harmless on a terminal: progress rewrites (\\r) keep their last state."""
    text = line[:LINE_BYTES_MAX].decode("utf-8", "replace").rstrip().rpartition("\r")[2]
    return "".join(c if c.isprintable() else "·" for c in text)
