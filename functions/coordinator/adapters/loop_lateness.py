"""How late this process is: by how much its own timers are, while something is measured."""

import asyncio

TICK_S = 0.25
"""As fine as what is judged by it, and next to no work."""


class LoopLateness:
    """`with LoopLateness() as late: …`, inside a running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._worst_s = 0.0

    def __enter__(self) -> "LoopLateness":
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._note()
        if self._timer is not None:
            self._timer.cancel()

    @property
    def worst_s(self) -> float:
        """Of all timers so far."""
        return self._worst_s

    def _wait(self) -> None:
        self._due_s = self._loop.time() + TICK_S
        self._timer = self._loop.call_at(self._due_s, self._tick)

    def _tick(self) -> None:
        self._note()
        self._wait()

    def _note(self) -> None:
        """One that is not due yet is not late."""
        self._worst_s = max(self._worst_s, self._loop.time() - self._due_s)
