"""Two deadlines for one task, without a timer of its own.

A loop's timers cost as much as judging the answer they guard, and of ten thousand polls a few
hundred ever need theirs. So deadlines share one timer, which is set for the earliest of them.
"""

import asyncio
import heapq
from itertools import count
from types import TracebackType

LATE_S = 0.25
"""A timer that fires so much too late hangs in a busy machine: that is not the stranger's fault."""
GRACE_S = 0.5
"""What has come meanwhile is looked at before the task is cancelled after all."""


class SharedTimer:
    """One timer for all deadlines of a loop. Those that are over are passed by in their time."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[tuple[float, int, StagedDeadline]] = []
        self._number = count()
        """Decides between equal instants: deadlines have no order."""
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, until: float, deadline: "StagedDeadline") -> None:
        """Tells the deadline when it has come, in the running loop."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # of an earlier loop nobody waits any more
            self._loop, self._waiting, self._timer = loop, [], None
        heapq.heappush(self._waiting, (until, next(self._number), deadline))
        if self._timer is None or until < self._timer.when():
            self._set(loop, until)

    def _set(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(until, self._fire)

    def _fire(self) -> None:
        self._timer = None
        loop, waiting = asyncio.get_running_loop(), self._waiting
        while waiting and waiting[0][0] <= (now := loop.time()):
            until, number, deadline = waiting[0]
            following = deadline.come(now, is_late=now - until > LATE_S)
            if following is None:
                heapq.heappop(waiting)
            else:
                heapq.heapreplace(waiting, (following, number, deadline))
        if waiting:
            self._set(loop, waiting[0][0])


class StagedDeadline:
    """Cancels the current task at `first`, or at `last` if the first stage is over by then.

    Whoever uses it clears `is_first_stage` in between. Leaving the block after a deadline has come
    raises TimeoutError, as `asyncio.timeout` does; a cancellation from outside stays one."""

    __slots__ = (
        "_cancelling",
        "_first",
        "_has_cancelled",
        "_is_excused",
        "_last",
        "_task",
        "_timer",
        "is_first_stage",
    )

    def __init__(self, timer: SharedTimer, first: float, last: float) -> None:
        """Instants of the running loop's own time."""
        self._timer = timer
        self.is_first_stage = True
        self._first, self._last = first, last
        self._has_cancelled = self._is_excused = False
        self._task: asyncio.Task[object] | None = None

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline stops a task, and this is none")
        self._task = task
        self._cancelling = task.cancelling()
        self._timer.wait(self._first, self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None  # the timer holds on to the deadline, not to the task
        if not self._has_cancelled or task is None:
            return
        ours = task.uncancel() <= self._cancelling
        if ours and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error

    def come(self, now: float, *, is_late: bool) -> float | None:
        """Called at a deadline: cancels the task, or says which deadline is the next."""
        if self._task is None:
            return None
        if is_late and not self._is_excused:
            self._is_excused = True
            return now + GRACE_S
        if not self.is_first_stage and self._first < self._last:
            self._first = self._last
            return self._last
        self._has_cancelled = True
        self._task.cancel()
        return None
