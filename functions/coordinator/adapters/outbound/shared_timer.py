"""Two deadlines for one task, without a timer of its own.

A loop's timers cost as much as judging the answer they guard, and of ten thousand polls a few
hundred ever need theirs. So clocks share a bell with one timer, set for the earliest of them.
"""

import asyncio
import heapq
from itertools import count
from types import TracebackType

LATE_S = 0.25
"""A bell that rings so much too late hangs in a busy machine: that is not the stranger's fault."""
GRACE_S = 0.5
"""What has come meanwhile is looked at before the clock strikes after all."""


class Bell:
    """One timer for all clocks of a loop. Clocks that are over are passed by in their time."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[tuple[float, int, TwoStageClock]] = []
        self._number = count()
        """Decides between equal instants: clocks have no order."""
        self._timer: asyncio.TimerHandle | None = None

    def ring(self, at: float, clock: "TwoStageClock") -> None:
        """Strikes the clock then, in the running loop."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # of an earlier loop nobody waits any more
            self._loop, self._waiting, self._timer = loop, [], None
        heapq.heappush(self._waiting, (at, next(self._number), clock))
        if self._timer is None or at < self._timer.when():
            self._set(loop, at)

    def _set(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(at, self._strike)

    def _strike(self) -> None:
        self._timer = None
        loop, waiting = asyncio.get_running_loop(), self._waiting
        while waiting and waiting[0][0] <= (now := loop.time()):
            at, number, clock = waiting[0]
            following = clock.strike(now, is_late=now - at > LATE_S)
            if following is None:
                heapq.heappop(waiting)
            else:
                heapq.heapreplace(waiting, (following, number, clock))
        if waiting:
            self._set(loop, waiting[0][0])


class TwoStageClock:
    """Cancels the current task at `first`, or at `last` if the first stage is over by then.

    Whoever uses it clears `is_first_stage` in between. Leaving the block after the clock struck
    raises TimeoutError, as `asyncio.timeout` does; a cancellation from outside stays one."""

    __slots__ = (
        "_bell",
        "_cancelling",
        "_first",
        "_is_excused",
        "_last",
        "_struck",
        "_task",
        "is_first_stage",
    )

    def __init__(self, bell: Bell, first: float, last: float) -> None:
        """Instants of the running loop's own time."""
        self._bell = bell
        self.is_first_stage = True
        self._first, self._last = first, last
        self._struck = self._is_excused = False
        self._task: asyncio.Task[object] | None = None

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a clock stops a task, and this is none")
        self._task = task
        self._cancelling = task.cancelling()
        self._bell.ring(self._first, self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None  # the bell holds on to the clock, not to the task
        if not self._struck or task is None:
            return
        ours = task.uncancel() <= self._cancelling
        if ours and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error

    def strike(self, now: float, *, is_late: bool) -> float | None:
        """Called at a deadline: cancels the task, or says which deadline is the next."""
        if self._task is None:
            return None
        if is_late and not self._is_excused:
            self._is_excused = True
            return now + GRACE_S
        if not self.is_first_stage and self._first < self._last:
            self._first = self._last
            return self._last
        self._struck = True
        self._task.cancel()
        return None
