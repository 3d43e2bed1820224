"""The book of sponsors, in the `money` database, on any store."""

from collections.abc import Callable, Sequence

from coordinator.adapters.store.protocol import Fields, Ref, Store, decided
from coordinator.sponsor_book import SPONSOR_BOOKS, SponsorBook

BOOK = Ref("sponsors", "book")


class SponsorBooks:
    """Written by ops, by hand; the api reads it again and again.

    It stands beside the tokens because who writes it may have them moved: the prober and the
    collector do not reach it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def book(self) -> SponsorBook:
        """As it is now; empty before anybody was entered."""
        (fields,) = await self._store.get(BOOK)
        return _decoded(fields)

    async def change(self, change: Callable[[SponsorBook], SponsorBook]) -> bool:
        """Writes what `change` makes of it, together with all changes of others; whether that is
        anything new. What `change` raises is passed on, and nothing is written then."""

        def decide(read: Sequence[Fields | None]) -> tuple[bool, dict[Ref, Fields]]:
            before = _decoded(read[0])
            after = change(before)
            if after == before:
                return False, {}
            return True, {BOOK: SPONSOR_BOOKS.encode(after)}

        return await decided(self._store, [BOOK], decide)


def _decoded(fields: Fields | None) -> SponsorBook:
    return SPONSOR_BOOKS.decode_or_none(fields) or SponsorBook()
