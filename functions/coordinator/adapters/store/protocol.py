"""What the coordinator asks of a document store, and the limits that every store keeps.

Two implementations with one contract test: `adapters.firestore` (the real one) and the tests'
`doubles.memory` (for rules and handlers). Limits are Firestore's, from
https://firebase.google.com/docs/firestore/quotas, and are checked by both, because the
emulator enforces few of them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

Fields = dict[str, Any]
"""A document's fields: None, bool, int (64 bit), float, str, bytes, aware datetime, list, dict."""

DOCUMENT_BYTES_MAX = 1_048_576
TRANSACTION_WRITES_MAX = 500
TRANSACTION_BYTES_MAX = 9_437_184
"""Under Firestore's 10 MiB a request, with room for its framing."""
FIND_LIMIT_MAX = 1_000


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Names one document: `Ref("streams", "k3v9…")`. Both match `^[A-Za-z0-9_.:-]{1,200}$`
    and are none of Firestore's own names: `.`, `..`, `__x__`."""

    collection: str
    id: str


@dataclass(frozen=True, slots=True)
class Query:
    """Documents that have `field`, ordered by it, with `at_least <= value < below`.

    One single-field query: never needs a composite index. Ties are ordered by id, in the same
    direction; values of another type than a bound's are left out."""

    collection: str
    field: str
    at_least: Any = None
    below: Any = None
    descending: bool = False
    after: tuple[Any, str] | None = None
    """(value, id) of the last row seen: the next page starts behind it."""
    limit: int = FIND_LIMIT_MAX


class AsRead(dict[str, Any]):
    """A document as `get` read it, with what tells whether it has been written since."""

    version: Any = None


class StoreError(Exception):
    """The store could not answer (unreachable, out of time): our fault, nobody else's.

    After it a write may have happened or not: look, or write so that it bears repeating."""


class DocumentTooLargeError(ValueError):
    """A document over DOCUMENT_BYTES_MAX was refused before anything was sent."""


Decide = Callable[[Sequence[Fields | None]], Mapping[Ref, Fields]]
"""From the documents read (in the order asked; None = absent) to whole documents to write.

May be called again when another writer was faster: it must be pure. Every ref it writes must
be among those read, so that a lost race is always noticed. If it returns
nothing, nothing is written."""


class Store(Protocol):
    """One database. Every call raises StoreError within the store's own time limit."""

    async def get(self, *refs: Ref) -> list[Fields | None]:
        """The documents (`AsRead`) in the order asked, None where absent. One read each, one round
        trip."""
        ...

    async def find(self, query: Query) -> list[tuple[str, Fields]]:
        """(id, fields) of the documents that match, in the query's order."""
        ...

    async def create(self, ref: Ref, fields: Fields) -> bool:
        """Writes a new document; False (and no change) if it already exists."""
        ...

    async def put(self, ref: Ref, fields: Fields) -> None:
        """Writes the whole document, new or not."""
        ...

    async def transact(
        self,
        refs: Sequence[Ref],
        decide: Decide,
        new: Collection[Ref] = (),
        seen: Mapping[Ref, AsRead] | None = None,
    ) -> Mapping[Ref, Fields]:
        """Reads `refs`, lets `decide` choose, writes its answer at once or not at all.

        Whatever was read and is not written is held to be unchanged at the moment of writing
        too; that costs a write as well, so ask for what the decision depends on. No lock is
        held: of two that race, one is decided again. Returns what was written. An exception
        raised by `decide` aborts and is passed on.

        Those of `refs` that are `new` are hardly ever there: they are held to be absent at first,
        and those that were `seen` to be as they were, which saves a read each. Where that turns
        out wrong, or nothing is to be written, all are read and it is decided again."""
        ...

    async def close(self) -> None: ...


_Result = TypeVar("_Result")


async def decided(
    store: Store,
    refs: Sequence[Ref],
    decide: Callable[[Sequence[Fields | None]], tuple[_Result, Mapping[Ref, Fields]]],
    new: Collection[Ref] = (),
) -> _Result:
    """`transact` for a decision that has a result beside its writes: that result.

    Of a decision that lost a race nothing is left: it is made again."""
    kept: list[_Result] = []

    def writes(read: Sequence[Fields | None]) -> Mapping[Ref, Fields]:
        result, found = decide(read)
        kept[:] = [result]
        return found

    await store.transact(refs, writes, new)
    return kept[0]
