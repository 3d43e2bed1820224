"""Trust books: what is known of every node, a document for each part of the prober.

When PARTITIONS is changed, whichever part is called first divides the books anew, in one
transaction. The old ones are closed by it: a run of the old division is not recorded any more.
"""

from collections.abc import Sequence
from dataclasses import replace

from coordinator.adapters.records.ranges import Records
from coordinator.adapters.store.protocol import Fields, Ref
from coordinator.checking.partitions import PARTITIONS_MAX, Partition, partitions_of
from coordinator.checking.trust_book import TRUST_BOOKS, TrustBook, together


class TrustRecords(Records):
    """Documents of `suspicions`."""

    _division_known: int | None = None
    """Into how many parts they were divided when this process read them last."""

    async def trust(self) -> TrustBook:
        """What checks have shown of every node, by the division that is in force."""
        books = await self._books(self._division_known or self._partitions)
        while (first := books[0]) is not None and first.next_count:
            self._division_known = first.next_count
            books = await self._books(first.next_count)
        if first is None and self._division_known is None:
            # Not divided so yet, or nothing was ever checked: this is asked once.
            self._division_known = await self._division() or self._partitions
            books = await self._books(self._division_known)
        return together(book for book in books if book)

    async def trust_of(self, partition: Partition) -> TrustBook:
        """What one part knows; the books are divided so first, if they are not."""
        book = await self._own(partition)
        if book is None or book.next_count:
            await self._divide(partition.count)
            book = await self._own(partition)
        return book or TrustBook()

    async def _own(self, partition: Partition) -> TrustBook | None:
        return TRUST_BOOKS.decode_or_none((await self._store.get(book_ref(partition)))[0])

    async def _books(self, count: int) -> list[TrustBook | None]:
        found = await self._store.get(*map(book_ref, partitions_of(count)))
        return [TRUST_BOOKS.decode_or_none(fields) for fields in found]

    async def _division(self) -> int | None:
        """Into how many parts books are divided; None before the first run."""
        counts = range(1, PARTITIONS_MAX + 1)
        found = await self._store.get(*(book_ref(Partition(0, count)) for count in counts))
        books = zip(counts, map(TRUST_BOOKS.decode_or_none, found), strict=True)
        known = [(book.last_run.draw, n) for n, book in books if book and not book.next_count]
        return max(known)[1] if known else None

    async def _divide(self, count: int) -> None:
        """Divides what is known anew, if nobody has meanwhile."""
        before = await self._division()
        if before in (None, count):
            return
        old, new = partitions_of(before), partitions_of(count)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            books = [TRUST_BOOKS.decode_or_none(each) or TrustBook() for each in read[: len(old)]]
            if any(book.next_count for book in books):
                return {}
            closed = [replace(book, next_count=count) for book in books]
            known = together(books)
            return {
                book_ref(p): TRUST_BOOKS.encode(b) for p, b in zip(old, closed, strict=True)
            } | {book_ref(part): TRUST_BOOKS.encode(known.part(part)) for part in new}

        await self._store.transact([book_ref(part) for part in (*old, *new)], decide)


def book_ref(partition: Partition) -> Ref:
    """Where a part's book lies."""
    return Ref("suspicions", partition.book_id)
