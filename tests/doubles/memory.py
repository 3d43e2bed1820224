"""The store of rules' and handlers' tests: a dict that races as Firestore does.

Every call gives way to other tasks once, so a lost race happens in a test as it does for real.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

from coordinator.adapters.store.limits import (
    check_document,
    check_query,
    check_ref,
    check_writes,
    copied,
    order_key,
)
from coordinator.adapters.store.protocol import AsRead, Decide, Fields, Query, Ref, StoreError


class MemoryStore:
    """A `Store` that lives as long as the process. `documents` is what it holds at first."""

    def __init__(self, documents: Mapping[Ref, Fields] | None = None) -> None:
        self._documents: dict[Ref, Fields] = {}
        self._versions: dict[Ref, int] = {}
        self._closed = False
        for ref, fields in (documents or {}).items():
            check_document(ref, fields)
            self._write(ref, fields)

    def copy(self) -> "MemoryStore":
        """Another one that begins with the same documents."""
        return MemoryStore.beginning_as(self)

    @classmethod
    def beginning_as(cls, first: "MemoryStore") -> Self:
        """One of this kind that begins with the documents of `first`."""
        other = cls()
        # The fields themselves are shared: what is written is copied, and never changed in place.
        other._documents, other._versions = dict(first._documents), dict(first._versions)
        return other

    def refs(self, collection: str) -> list[Ref]:
        """Of everything that a collection holds."""
        return sorted(ref for ref in self._documents if ref.collection == collection)

    def forget(self, *refs: Ref) -> None:
        """Documents that are gone: by a TTL policy, or by whoever may delete them."""
        for ref in refs:
            del self._documents[ref]

    async def get(self, *refs: Ref) -> list[Fields | None]:
        for ref in refs:
            check_ref(ref)
        await self._turn()
        return [self._seen(ref) for ref in refs]

    async def find(self, query: Query) -> list[tuple[str, Fields]]:
        check_query(query)
        await self._turn()
        rows = []
        for ref, fields in self._documents.items():
            if ref.collection != query.collection or query.field not in fields:
                continue
            value = order_key(fields[query.field])
            if _within(value, query.at_least, query.below):
                rows.append((value, ref.id, fields))
        rows.sort(key=lambda row: row[:2], reverse=query.descending)
        if query.after is not None:
            seen = (order_key(query.after[0]), query.after[1])
            rows = [r for r in rows if (r[:2] < seen if query.descending else r[:2] > seen)]
        return [(name, copied(fields)) for _, name, fields in rows[: query.limit]]

    async def create(self, ref: Ref, fields: Fields) -> bool:
        check_document(ref, fields)
        await self._turn()
        if ref in self._documents:
            return False
        self._write(ref, fields)
        return True

    async def put(self, ref: Ref, fields: Fields) -> None:
        check_document(ref, fields)
        await self._turn()
        self._write(ref, fields)

    async def transact(
        self,
        refs: Sequence[Ref],
        decide: Decide,
        new: Collection[Ref] = (),
        seen: Mapping[Ref, AsRead] | None = None,
    ) -> Mapping[Ref, Fields]:
        held: Mapping[Ref, Fields | None] = {**dict.fromkeys(new), **(seen or {})}
        while True:
            asked = [ref for ref in refs if ref not in held]
            read = {**held, **dict(zip(asked, await self.get(*asked), strict=True))}
            documents = [read[ref] for ref in refs]
            versions = [
                getattr(held[ref], "version", None) if ref in held else self._versions.get(ref)
                for ref in refs
            ]
            writes = decide(documents)
            check_writes(writes, set(refs))
            await self._turn()
            if not writes and not held:
                return writes
            if writes and versions == [self._versions.get(ref) for ref in refs]:
                for ref, fields in writes.items():
                    self._write(ref, fields)
                return writes
            held = {}

    async def close(self) -> None:
        self._closed = True

    async def _turn(self) -> None:
        """Lets other tasks go first, as a round trip does."""
        await asyncio.sleep(0)
        if self._closed:
            raise StoreError("the store is closed")

    def _seen(self, ref: Ref) -> AsRead | None:
        if ref not in self._documents:
            return None
        seen = AsRead(copied(self._documents[ref]))
        seen.version = self._versions[ref]
        return seen

    def _write(self, ref: Ref, fields: Fields) -> None:
        self._documents[ref] = copied(fields)
        self._versions[ref] = self._versions.get(ref, 0) + 1


def _within(key: tuple[int, Any], at_least: Any, below: Any) -> bool:
    """A bound leaves out the values of every other type, as Firestore's do."""
    low = None if at_least is None else order_key(at_least)
    high = None if below is None else order_key(below)
    if low is not None and (key[0] != low[0] or key < low):
        return False
    return high is None or (key[0] == high[0] and key < high)
