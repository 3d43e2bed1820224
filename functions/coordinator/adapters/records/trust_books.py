"""Trust books: what is known of every node, a document for each part of the prober.

When PARTITIONS is changed, whichever part is called first divides the books anew, one document at a
time. All of them together may be more than one transaction takes.

1. The old books are closed, the first one first: a run of theirs is not recorded any more. What the
   first one says is where all of them lead.
2. The new ones are written out of them, the first one last. So a first book stands for all of its
   division, and readers go by the old one until then.

Whoever finds a division under way goes on with it: a crash between any two steps loses nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

from coordinator.adapters.records.ranges import Records
from coordinator.adapters.store.protocol import Fields, Ref, decided
from coordinator.checking.partitions import PARTITIONS_MAX, Partition, partitions_of
from coordinator.checking.trust_book import TRUST_BOOKS, TrustBook, together

DIVISIONS_MAX = 4
"""That one call makes: two probers of different settings would else divide for ever."""


class TrustRecords(Records):
    """Documents of `suspicions`."""

    _division_known: int | None = None
    """Into how many parts they were divided when this process read them last."""

    async def trust(self) -> TrustBook:
        """What checks have shown of every node, by the division that is in force."""
        books = await self._books(self._division_known or self._partitions)
        if books[0] is None and self._division_known is None:
            # Not divided so yet, or nothing was ever checked: this is asked once.
            self._division_known = (await self._newest())[0] or self._partitions
            books = await self._books(self._division_known)
        while (first := books[0]) is not None and first.next_count:
            later = await self._books(first.next_count)
            if later[0] is None or later[0].division <= first.division:
                break  # not all of them are written yet
            self._division_known, books = first.next_count, later
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

    async def _newest(self) -> tuple[int, TrustBook]:
        """Into how many parts books are divided, all of them written, and the first of them.

        No parts before the first run."""
        counts = range(1, PARTITIONS_MAX + 1)
        found = await self._store.get(*(book_ref(Partition(0, count)) for count in counts))
        books = zip(counts, map(TRUST_BOOKS.decode_or_none, found), strict=True)
        known = [(count, book) for count, book in books if book is not None]
        newest = max(known, key=lambda one: (one[1].division, one[1].last_run.draw), default=None)
        return newest or (0, TrustBook())

    async def _divide(self, count: int) -> None:
        """Divides what is known anew, once a division that is under way is over."""
        for _ in range(DIVISIONS_MAX):
            before, first = await self._newest()
            if before in (0, count) and not first.next_count:
                return
            old = partitions_of(before)
            wanted = await self._closed(old[0], first.next_count or count, first.division)
            for part in old[1:]:
                await self._closed(part, wanted, first.division)
            known = together(book or TrustBook() for book in await self._books(before))
            for part in reversed(partitions_of(wanted)):
                await self._begin(part, replace(known, division=first.division))

    async def _closed(self, part: Partition, count: int, division: int) -> int:
        """Closes a part's book of a division, if it is not; says into how many parts it leads."""
        ref = book_ref(part)

        def decide(read: Sequence[Fields | None]) -> tuple[int, dict[Ref, Fields]]:
            book = TRUST_BOOKS.decode_or_none(read[0]) or TrustBook(division=division)
            if book.next_count or book.division > division:
                return book.next_count or count, {}
            return count, {ref: TRUST_BOOKS.encode(replace(book, next_count=count))}

        return await decided(self._store, [ref], decide)

    async def _begin(self, part: Partition, known: TrustBook) -> None:
        """Writes a part's book of the division after what is known, unless somebody has."""
        ref = book_ref(part)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            book = TRUST_BOOKS.decode_or_none(read[0])
            if book is not None and book.division > known.division:
                return {}
            begun = replace(known.part(part), division=known.division + 1)
            return {ref: TRUST_BOOKS.encode(begun)}

        await self._store.transact([ref], decide)


def book_ref(partition: Partition) -> Ref:
    """Where a part's book lies."""
    return Ref("suspicions", partition.book_id)
