"""Times on a circle of 2^32 ms, which goes round every 49.7 days."""

from rtmp.messages import U32_END

_HALF = U32_END // 2
JUMP_MS = 10_000
"""A step of time further than that is a new clock of the publisher's."""
STEP_MS = 40
"""Between the last message of one clock and the first of the next."""


def difference_ms(later_ms: int, earlier_ms: int) -> int:
    """How far `later_ms` lies behind `earlier_ms`, the shorter way round; negative if before."""
    return (later_ms - earlier_ms + _HALF) % U32_END - _HALF


class EndlessClock:
    """One time line for a stream, through its publishers' restarts and jumps.

    Only an ingest has one: nodes hand times on unchanged, so that whoever moves from one node to
    another stays on one line.
    """

    def __init__(self) -> None:
        self._shift_ms = 0
        self._last_ms: int | None = None
        self._is_new = False

    def restart(self) -> None:
        """The next message is the first of another publisher."""
        self._is_new = True

    def shifted(self, timestamp_ms: int) -> int:
        """A time on the line that tells the line nothing: script data are often dated zero."""
        return (timestamp_ms + self._shift_ms) % U32_END

    def read(self, timestamp_ms: int, pause_ms: int = STEP_MS) -> int:
        """The message's time on the line.

        `pause_ms`: how long nothing came before it, which passes on the line too.
        """
        time_ms = self.shifted(timestamp_ms)
        if self._last_ms is not None:
            step_ms = difference_ms(time_ms, self._last_ms)
            if self._is_new or abs(step_ms) > JUMP_MS:
                time_ms = (self._last_ms + max(STEP_MS, pause_ms)) % U32_END
                self._shift_ms = (time_ms - timestamp_ms) % U32_END
            if self._is_new or difference_ms(time_ms, self._last_ms) > 0:
                self._last_ms = time_ms
        else:
            self._last_ms = time_ms
        self._is_new = False
        return time_ms
