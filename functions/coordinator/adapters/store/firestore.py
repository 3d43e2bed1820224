"""The real store: Firestore through google-cloud-firestore's AsyncClient.

Every RPC names its own time limit and is never retried by the library, whose defaults wait up to
300 s for a dead server. What bears repeating is repeated here, a few times, in the open.

Transactions are optimistic: read, decide, commit under the condition that every document read is
still the one that was read (its update time, or its absence). Nothing is locked on the server, so
an instance that dies in between blocks nobody, and there are two round trips and not three.
"""

import asyncio
import random
from collections.abc import AsyncIterable, Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from google.api_core import exceptions
from google.cloud.firestore import (
    AsyncClient,
    AsyncDocumentReference,
    AsyncQuery,
    AsyncWriteBatch,
    DocumentSnapshot,
    FieldFilter,
)

from coordinator.adapters.store.limits import check_document, check_query, check_ref, check_writes
from coordinator.adapters.store.protocol import AsRead, Decide, Fields, Query, Ref, StoreError

T = TypeVar("T")
_Snapshot = DocumentSnapshot[AsyncDocumentReference]
_Errors = tuple[type[Exception], ...]

SECONDS_MAX = 10.0
PAUSES_S = (0.1, 0.4)
"""Between the attempts of a call that bears repeating: a dead server costs half a second."""
_NOT_APPLIED: _Errors = (exceptions.Aborted,)
_PASSING: _Errors = (
    exceptions.Aborted,
    exceptions.InternalServerError,
    exceptions.ServiceUnavailable,
)
_LOST_RACE: _Errors = (
    exceptions.Aborted,
    exceptions.AlreadyExists,
    exceptions.FailedPrecondition,
    exceptions.NotFound,
)


class FirestoreStore:
    """A `Store` in one database of a project; FIRESTORE_EMULATOR_HOST is honoured.

    Connects on first use, on the event loop of that use. `seconds_max` bounds each call. `witness`
    is told the database's clock (Unix seconds) at each read."""

    def __init__(
        self,
        project: str,
        database: str = "(default)",
        *,
        seconds_max: float = SECONDS_MAX,
        witness: Callable[[float], None] | None = None,
    ) -> None:
        self._project = project
        self._database = database
        self._seconds_max = seconds_max
        self._witness = witness
        self._connected: AsyncClient | None = None
        self._closed = False

    async def get(self, *refs: Ref) -> list[Fields | None]:
        return [_seen(snapshot) for snapshot in await self._read(refs)]

    async def find(self, query: Query) -> list[tuple[str, Fields]]:
        check_query(query)
        field, documents = query.field, self._client().collection(query.collection)
        direction = AsyncQuery.DESCENDING if query.descending else AsyncQuery.ASCENDING
        # The id in the same direction is part of every single-field index.
        asked = AsyncQuery(documents).order_by(field, direction).order_by("__name__", direction)
        asked = asked.limit(query.limit)
        if query.at_least is not None:
            asked = asked.where(filter=FieldFilter(field, ">=", query.at_least))
        if query.below is not None:
            asked = asked.where(filter=FieldFilter(field, "<", query.below))
        if query.after is not None:
            value, last_id = query.after
            asked = asked.start_after({field: value, "__name__": documents.document(last_id)})

        async def attempt(seconds: float) -> list[_Snapshot]:
            return await _all(asked.stream(retry=None, timeout=seconds))

        rows = await self._try(attempt, _PASSING)
        return [(row.id, row.to_dict() or {}) for row in rows]

    async def create(self, ref: Ref, fields: Fields) -> bool:
        check_document(ref, fields)
        batch = self._client().batch()
        batch.create(self._document(ref), fields)
        try:
            # Not repeated when the answer is lost: our own document would look like another's.
            await self._commit(batch, _NOT_APPLIED)
        except exceptions.AlreadyExists:
            return False
        return True

    async def put(self, ref: Ref, fields: Fields) -> None:
        check_document(ref, fields)
        batch = self._client().batch()
        batch.set(self._document(ref), fields)
        await self._commit(batch, _PASSING)

    async def transact(
        self,
        refs: Sequence[Ref],
        decide: Decide,
        new: Collection[Ref] = (),
        seen: Mapping[Ref, AsRead] | None = None,
    ) -> Mapping[Ref, Fields]:
        deadline = asyncio.get_running_loop().time() + self._seconds_max
        pause_s = 0.01
        held: Mapping[Ref, AsRead | None] = {**dict.fromkeys(new), **(seen or {})}
        while True:
            asked = [ref for ref in refs if ref not in held]
            read = {**held, **dict(zip(asked, map(_seen, await self._read(asked)), strict=True))}
            writes = decide([read[ref] for ref in refs])
            check_writes(writes, set(refs))
            if not writes and not held:
                return writes
            if not writes:
                held = {}
                continue
            try:
                await self._commit(self._conditional(refs, read, writes), ())
                return writes
            except _LOST_RACE as lost:
                if asyncio.get_running_loop().time() + pause_s > deadline:
                    raise StoreError(f"others were always faster at {refs[:3]}") from lost
            held = {}
            await asyncio.sleep(pause_s * random.random())  # noqa: S311 - spreads the racers
            pause_s = min(2 * pause_s, 1.0)

    async def close(self) -> None:
        self._closed = True
        if self._connected is not None:
            await self._connected._firestore_api.transport.close()
            self._connected = None

    def _client(self) -> AsyncClient:
        if self._closed:
            raise StoreError("the store is closed")
        if self._connected is None:
            self._connected = AsyncClient(project=self._project, database=self._database)
        return self._connected

    def _document(self, ref: Ref) -> AsyncDocumentReference:
        return self._client().collection(ref.collection).document(ref.id)

    async def _read(self, refs: Sequence[Ref]) -> list[_Snapshot]:
        """Snapshots in the order asked, each existing or not, of one consistent moment."""
        for ref in refs:
            check_ref(ref)
        if not refs:
            return []
        documents = [self._document(ref) for ref in dict.fromkeys(refs)]

        async def attempt(seconds: float) -> list[_Snapshot]:
            return await _all(self._client().get_all(documents, retry=None, timeout=seconds))

        found = await self._try(attempt, _PASSING)
        read_at = found[0].read_time
        if self._witness is not None and read_at is not None:
            self._witness(read_at.timestamp())
        by_ref = {Ref(s.reference.parent.id, s.id): s for s in found}
        return [by_ref[ref] for ref in refs]

    def _conditional(
        self,
        refs: Sequence[Ref],
        read: Mapping[Ref, AsRead | None],
        writes: Mapping[Ref, Fields],
    ) -> AsyncWriteBatch:
        """The writes, each on condition that its document is still as it was read.

        What was read only becomes a write that changes nothing, under the same condition."""
        client = self._client()
        batch = client.batch()
        for ref in dict.fromkeys(refs):
            was = read[ref]
            if ref in writes:
                batch.set(self._document(ref), writes[ref])
            elif was is not None:
                batch.set(self._document(ref), {}, merge=True)
            else:
                batch.delete(self._document(ref))
            unchanged = (
                client.write_option(last_update_time=was.version)
                if was is not None
                else client.write_option(exists=False)
            )
            # set() takes no option, though Firestore does: it is put on the write itself.
            unchanged.modify_write(batch._write_pbs[-1])
        return batch

    async def _commit(self, batch: AsyncWriteBatch, again: _Errors) -> None:
        async def attempt(seconds: float) -> None:
            await batch.commit(retry=None, timeout=seconds)

        await self._try(attempt, again)

    async def _try(self, attempt: Callable[[float], Awaitable[T]], again: _Errors) -> T:
        """The attempt's answer, repeated after an error of `again`, within `seconds_max` in all.

        Conflicts are passed on as they are, every other error becomes a StoreError."""
        now = asyncio.get_running_loop().time
        deadline = now() + self._seconds_max
        pauses_s = iter(PAUSES_S)
        while True:
            try:
                return await attempt(deadline - now())
            except again as error:
                pause_s = next(pauses_s, None)
                if pause_s is None or now() + pause_s >= deadline:
                    raise StoreError(f"Firestore: {error}") from error
            except _LOST_RACE:
                raise
            except exceptions.GoogleAPIError as error:
                raise StoreError(f"Firestore: {error}") from error
            await asyncio.sleep(pause_s)


def _seen(snapshot: _Snapshot) -> AsRead | None:
    if not snapshot.exists:
        return None
    seen = AsRead(snapshot.to_dict() or {})
    seen.version = snapshot.update_time
    return seen


async def _all(stream: AsyncIterable[_Snapshot]) -> list[_Snapshot]:
    return [snapshot async for snapshot in stream]
