"""A store whose process dies at its n-th call, before or after the call took effect."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from coordinator.adapters.store.protocol import StoreError
from tests.doubles.memory import MemoryStore

T = TypeVar("T")
_INSIDE = ContextVar("inside", default=False)
"""Whether this task is within a call that was counted; others may run meanwhile."""


class CrashingStore(MemoryStore):
    """Counts every call, reads included. `calls_left` None: it lives on."""

    calls = 0
    calls_left: int | None = None
    dies_after = False
    """Whether the last call still takes effect: the answer is lost, the write is not."""

    async def get(self, *args: Any) -> Any:
        return await self._counted(super().get, *args)

    async def find(self, *args: Any) -> Any:
        return await self._counted(super().find, *args)

    async def create(self, *args: Any) -> Any:
        return await self._counted(super().create, *args)

    async def put(self, *args: Any) -> Any:
        return await self._counted(super().put, *args)

    async def transact(self, *args: Any) -> Any:
        return await self._counted(self._transact, *args)

    async def _transact(self, refs: Any, decide: Any, new: Any = ()) -> Any:
        """Its own reading is part of this call, not another one."""
        token = _INSIDE.set(True)
        try:
            return await super().transact(refs, decide, new)
        finally:
            _INSIDE.reset(token)

    async def _counted(self, call: Callable[..., Awaitable[T]], *args: Any, **more: Any) -> T:
        if _INSIDE.get():
            return await call(*args, **more)
        if self.calls_left == 0:
            if self.dies_after:
                await call(*args, **more)
            raise StoreError("the process died here")
        self.calls += 1
        if self.calls_left is not None:
            self.calls_left -= 1
        return await call(*args, **more)
