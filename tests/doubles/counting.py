"""Counts what another store is asked for, in the operations that Firestore bills."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from coordinator.adapters.store.protocol import AsRead, Decide, Fields, Query, Ref, Store


@dataclass(slots=True)
class Operations:
    """Billed documents, from https://firebase.google.com/docs/firestore/pricing."""

    reads: int = 0
    writes: int = 0


class CountingStore:
    """A `Store` that passes every call on and counts the ones that were answered."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.operations = Operations()

    async def get(self, *refs: Ref) -> list[Fields | None]:
        documents = await self._store.get(*refs)
        self.operations.reads += len(set(refs))
        return documents

    async def find(self, query: Query) -> list[tuple[str, Fields]]:
        rows = await self._store.find(query)
        self.operations.reads += max(1, len(rows))  # a query that finds nothing costs one
        return rows

    async def create(self, ref: Ref, fields: Fields) -> bool:
        created = await self._store.create(ref, fields)
        self.operations.writes += created
        return created

    async def put(self, ref: Ref, fields: Fields) -> None:
        await self._store.put(ref, fields)
        self.operations.writes += 1

    async def transact(
        self,
        refs: Sequence[Ref],
        decide: Decide,
        new: Collection[Ref] = (),
        seen: Mapping[Ref, AsRead] | None = None,
    ) -> Mapping[Ref, Fields]:
        unread = {*new, *(seen or {})}

        def counted(documents: Sequence[Fields | None]) -> Mapping[Ref, Fields]:
            self.operations.reads += len(set(refs) - unread)  # once for every attempt
            unread.clear()
            return decide(documents)

        written = await self._store.transact(refs, counted, new, seen)
        if written:
            self.operations.writes += len(set(refs))  # what was only read is guarded by a write
        return written

    async def close(self) -> None:
        await self._store.close()
