"""A store whose process dies at one of its calls: the write of that call is done, or it is not."""

from collections.abc import Collection, Mapping, Sequence

from coordinator.adapters.store.protocol import Decide, Fields, Query, Ref, StoreError
from tests.doubles.memory import MemoryStore

FOR_EVER = 1_000_000


class CrashingStore(MemoryStore):
    """From the call on at which it dies every call fails, until the next process comes."""

    def __init__(self, *, writes: bool) -> None:
        super().__init__()
        self.calls_left = FOR_EVER
        self.written_at_once: list[int] = []
        self._writes = writes

    def lives(self) -> None:
        """The next process has all its calls."""
        self.calls_left = FOR_EVER

    async def get(self, *refs: Ref) -> list[Fields | None]:
        self._call(is_write=False)
        return await super().get(*refs)

    async def find(self, query: Query) -> list[tuple[str, Fields]]:
        self._call(is_write=False)
        return await super().find(query)

    async def create(self, ref: Ref, fields: Fields) -> bool:
        dies = self._call(is_write=True)
        created = await super().create(ref, fields)
        self._die(dies)
        return created

    async def put(self, ref: Ref, fields: Fields) -> None:
        dies = self._call(is_write=True)
        await super().put(ref, fields)
        self._die(dies)

    async def transact(
        self, refs: Sequence[Ref], decide: Decide, new: Collection[Ref] = ()
    ) -> Mapping[Ref, Fields]:
        dies = self._call(is_write=True)
        written = await super().transact(refs, decide, new)
        self.written_at_once.append(len(written))
        self._die(dies)
        return written

    def _call(self, *, is_write: bool) -> bool:
        """Whether the process dies as soon as this one is done."""
        self.calls_left -= 1
        dies_after = self.calls_left == 0 and is_write and self._writes
        self._die(self.calls_left <= 0 and not dies_after)
        return dies_after

    def _die(self, dies: bool) -> None:
        if dies:
            self.calls_left = 0
            raise StoreError("the process was killed")
