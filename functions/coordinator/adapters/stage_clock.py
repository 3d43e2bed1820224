"""Two deadlines for one task, on one timer.

`asyncio.timeout_at` with a `reschedule` in between sets two timers and cancels both, which was
an eighth of a poll. Here the second timer is set only if the first one goes off, which for a
node that answers it never does.
"""

import asyncio
from types import TracebackType


class TwoStageClock:
    """Cancels the current task at `first`, or at `last` if the first stage is over by then.

    Whoever uses it clears `is_first_stage` in between. Leaving the block after the clock struck
    raises TimeoutError, as `asyncio.timeout` does; a cancellation from outside stays one."""

    __slots__ = ("_cancelling", "_first", "_last", "_struck", "_task", "_timer", "is_first_stage")

    def __init__(self, first: float, last: float) -> None:
        """Instants of the running loop's own time."""
        self.is_first_stage = True
        self._first, self._last = first, last
        self._struck = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a clock stops a task, and this is none")
        self._task = task
        self._cancelling = task.cancelling()
        self._timer = asyncio.get_running_loop().call_at(self._first, self._strike)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if not self._struck:
            return
        ours = self._task.uncancel() <= self._cancelling
        if ours and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error

    def _strike(self) -> None:
        if not self.is_first_stage and self._first < self._last:
            self._first = self._last
            self._timer = asyncio.get_running_loop().call_at(self._last, self._strike)
            return
        self._struck = True
        self._task.cancel()
