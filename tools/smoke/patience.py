"""How long is waited: for one thing, and for all things together."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TOGETHER_S_MAX = 600.0
"""For everything: an empty network's next payout pauses what measures it."""
LOOK_S = 3.0
"""Between two looks. gcloud alone takes two seconds to answer."""


class Patience:
    """Waits by a clock and a sleep that it is given."""

    def __init__(
        self,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        seconds_max: float = TOGETHER_S_MAX,
    ) -> None:
        self.clock = clock
        self._sleep = sleep
        self._end_s = clock() + seconds_max

    def until(
        self, look: Callable[[], T | None], seconds_max: float, every_s: float = LOOK_S
    ) -> T | None:
        """The first thing that `look` finds; None once its time is over, or everybody's."""
        end_s = min(self._end_s, self.clock() + seconds_max)
        while (found := look()) is None and self.clock() < end_s:
            self._sleep(min(every_s, max(0.0, end_s - self.clock())))
        return found
