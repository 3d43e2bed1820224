"""A store whose process dies at one of its calls, before or after that call took effect."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from typing import TypeVar

from coordinator.adapters.store.protocol import AsRead, Decide, Fields, Query, Ref, StoreError
from tests.doubles.memory import MemoryStore

T = TypeVar("T")
_INSIDE = ContextVar("inside", default=False)
"""Whether this task is within a call that was counted; others may run meanwhile."""


class CrashingStore(MemoryStore):
    """From the call on at which it dies every call fails, until the next process comes."""

    calls = 0
    """How many have counted so far."""
    dies_after = False
    """Whether its last call takes effect, and only the answer is lost. Then writes alone count: a
    read whose answer is lost is like one that was never made."""
    is_dead = False
    _calls_left: int | None = None

    def __init__(self, documents: Mapping[Ref, Fields] | None = None) -> None:
        super().__init__(documents)
        self.written_at_once: list[int] = []

    @property
    def calls_left(self) -> int | None:
        """How many it still has; None: all that come. To set it is to start a new process."""
        return self._calls_left

    @calls_left.setter
    def calls_left(self, calls: int | None) -> None:
        self._calls_left, self.is_dead = calls, False

    async def get(self, *refs: Ref) -> list[Fields | None]:
        return await self._counted(lambda: super(CrashingStore, self).get(*refs), is_write=False)

    async def find(self, query: Query) -> list[tuple[str, Fields]]:
        return await self._counted(lambda: super(CrashingStore, self).find(query), is_write=False)

    async def create(self, ref: Ref, fields: Fields) -> bool:
        return await self._counted(lambda: super(CrashingStore, self).create(ref, fields))

    async def put(self, ref: Ref, fields: Fields) -> None:
        await self._counted(lambda: super(CrashingStore, self).put(ref, fields))

    async def transact(
        self,
        refs: Sequence[Ref],
        decide: Decide,
        new: Collection[Ref] = (),
        seen: Mapping[Ref, AsRead] | None = None,
    ) -> Mapping[Ref, Fields]:
        return await self._counted(lambda: self._transact(refs, decide, new, seen))

    async def _transact(
        self,
        refs: Sequence[Ref],
        decide: Decide,
        new: Collection[Ref],
        seen: Mapping[Ref, AsRead] | None,
    ) -> Mapping[Ref, Fields]:
        """Its own reading is part of this call, not another one."""
        token = _INSIDE.set(True)
        try:
            written = await super().transact(refs, decide, new, seen)
        finally:
            _INSIDE.reset(token)
        self.written_at_once.append(len(written))
        return written

    async def _counted(self, call: Callable[[], Awaitable[T]], *, is_write: bool = True) -> T:
        if _INSIDE.get():
            return await call()
        counts = is_write or not self.dies_after
        if self.is_dead or (counts and self._calls_left == 0):
            if self.dies_after and not self.is_dead:
                self.is_dead = True
                await call()
            self.is_dead = True
            raise StoreError("the process died here")
        self.calls += counts
        if counts and self._calls_left is not None:
            self._calls_left -= 1
        return await call()
