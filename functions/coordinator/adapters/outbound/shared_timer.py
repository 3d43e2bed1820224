"""Two deadlines for one task, without a timer of its own.

A loop's timers cost as much as judging the answer they guard, and of ten thousand polls a few
hundred ever need theirs. So deadlines share one timer, which is set for the earliest of them.
"""

import asyncio
from operator import attrgetter
from types import TracebackType

LATE_S = 0.25
"""A timer that fires so much too late hangs in a busy machine: that is not the stranger's fault."""
GRACE_S = 0.5
"""What has come meanwhile is looked at before the task is cancelled after all."""
PAUSE_S = 0.02
"""The timer fires no sooner again: each time it looks through all that wait."""


class SharedTimer:
    """One timer for all deadlines of a loop. Of those that are over nothing is kept."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[StagedDeadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = 0.0

    def __contains__(self, deadline: object) -> bool:
        return deadline in self._waiting

    def add(self, deadline: "StagedDeadline", loop: asyncio.AbstractEventLoop) -> None:
        """Tells the deadline when it has come, in the running `loop`."""
        if loop is not self._loop:  # of an earlier loop nobody waits any more
            self._loop, self._waiting, self._timer = loop, set(), None
        self._waiting.add(deadline)
        if self._timer is None or deadline.until < self._fires_at:
            self._set(loop, deadline.until)

    def remove(self, deadline: "StagedDeadline") -> None:
        """Forgets it. The timer may fire for it, and finds nothing to do."""
        self._waiting.discard(deadline)

    def _set(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._fires_at = loop.call_at(until, self._fire), until

    def _fire(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        due = [each for each in self._waiting if each.until <= now]
        for deadline in sorted(due, key=attrgetter("until")):
            deadline.come(now)
        if self._waiting:
            self._set(loop, max(now + PAUSE_S, min(each.until for each in self._waiting)))


class StagedDeadline:
    """Cancels the current task at `first`, or at `last` if the first stage is over by then.

    Whoever uses it clears `is_first_stage` in between. Leaving the block after a deadline has come
    raises TimeoutError, as `asyncio.timeout` does; a cancellation from outside stays one."""

    __slots__ = (
        "_cancelling",
        "_has_cancelled",
        "_is_excused",
        "_last",
        "_task",
        "_timer",
        "is_first_stage",
        "until",
    )

    def __init__(self, timer: SharedTimer, first: float, last: float) -> None:
        """Instants of the running loop's own time."""
        self._timer = timer
        self.is_first_stage = True
        self.until, self._last = first, last
        self._has_cancelled = self._is_excused = False
        self._task: asyncio.Task[object] | None = None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a deadline stops a task, and this is none")
        self._task = task
        self._cancelling = task.cancelling()
        self._timer.add(self, loop)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.remove(self)
        task = self._task
        if not self._has_cancelled or task is None:
            return
        ours = task.uncancel() <= self._cancelling
        if ours and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error

    def come(self, now: float) -> None:
        """Called once `until` has come: goes on to the next deadline, or cancels the task."""
        if now - self.until > LATE_S and not self._is_excused:
            self._is_excused = True
            self.until = now + GRACE_S
        elif not self.is_first_stage and self.until < self._last:
            self.until = self._last
        elif self._task is not None:
            self._timer.remove(self)
            self._has_cancelled = True
            self._task.cancel()
