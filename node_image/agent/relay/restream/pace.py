"""When a node tries its ingest again: soon in a small network, one after the other in a large one.

Three wishes pull in different directions. A thousand nodes whose ingest restarts must not come
at more than a hundred a second; all have to be back in half a minute; and a network of few must
be back within ten seconds of any outage. No pause of chance alone does all three, since nobody
knows how many others wait. So the ingest tells each node its turn while all is well
(`rtmp.turns`). A loss begins a line of windows. In each of them every node has its own moment,
by its turn. A window lasts as long as all need at PULLS_A_SECOND, and for few it grows from one
second to CALM_S. A node that was told nothing takes UNTOLD_S, and a moment by chance: a thousand
of those stay below a hundred a second as well.
"""

from rtmp.turns import Turn

PULLS_A_SECOND = 65.0
WINDOW_S_MIN, UNTOLD_S = 1.0, 15.0
"""The longest window too: a thousand take all of it."""
CALM_S = 8.0
"""As long as windows of few become: an ingest that is back is found within ten seconds."""
_GROWTH_MAX = 5
"""Beyond it a window has long been CALM_S."""


class PullPace:
    """The moments at which one node tries. Pure: told the time, in seconds that only grow."""

    def __init__(self, now_s: float, chance: float) -> None:
        """`chance` lies in [0, 1); it is this node's, and stays."""
        self._turn: Turn | None = None
        self._chance = chance
        self._tried_s = now_s
        self.lost(now_s)

    def lost(self, now_s: float) -> None:
        """The stream was here until now: a line begins, for all who had it at once."""
        self._begun_s, self._windows = now_s, 0

    def tell(self, turn: Turn, with_media: bool) -> None:
        """The ingest has told a turn.

        Without media it has counted only those who came in vain of late, and may lack most.
        """
        if with_media or self._turn is None or turn.of > self._turn.of:
            self._turn = turn

    def tried(self, now_s: float) -> None:
        """A try begins."""
        self._tried_s = now_s

    def next_s(self, now_s: float) -> float:
        """When to try next; never sooner than a second after the last try."""
        while (moment_s := self._begun_s + self._phase * self._window_s) < now_s:
            self._begun_s += self._window_s
            self._windows += 1
        return max(moment_s, self._tried_s + WINDOW_S_MIN)

    @property
    def _phase(self) -> float:
        """Which part of a window passes before this node's moment."""
        if self._turn is None:
            return self._chance
        return (self._turn.place - 1 + self._chance) / self._turn.of

    @property
    def _window_s(self) -> float:
        if self._turn is None:
            return UNTOLD_S
        grown_s = min(CALM_S, WINDOW_S_MIN * 2.0 ** min(self._windows, _GROWTH_MAX))
        return min(UNTOLD_S, max(grown_s, self._turn.of / PULLS_A_SECOND))
