"""How many nodes wait at an ingest for a stream that nobody publishes, and whose turn is when."""

from agent.relay.restream.pace import UNTOLD_S
from rtmp.turns import TURNS_MAX, Turn


class Waiting:
    """Counts those who come in vain within a window of a node's pace. Pure: told the time."""

    def __init__(self) -> None:
        self._begun_s: float | None = None
        self._came = self._before = 0

    def turn(self, now_s: float) -> Turn:
        """The turn of one more; there are as many as in the window before, or more."""
        if self._begun_s is None or now_s - self._begun_s >= UNTOLD_S:
            self._begun_s, self._before, self._came = now_s, self._came, 0
        self._came = min(self._came + 1, TURNS_MAX)
        return Turn(self._came, max(self._came, self._before))
