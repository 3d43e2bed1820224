"""Whose a sponsor's key is, by a list that is at most a minute old.

One read renews the list for all, at most once in a while, and only when somebody shows a key.
So strangers who try keys cost no more reads than a sponsor does.
"""

import asyncio
from collections.abc import Mapping
from math import inf

from coordinator.adapters.clock import Clock, steady
from coordinator.adapters.records.sponsor_books import SponsorBooks
from coordinator.adapters.store.protocol import StoreError

RENEWED_SECONDS = 30
"""Half of the minute in which a new key opens and a revoked one no longer does: the read itself may
take ten seconds."""
LASTS_SECONDS = 600
"""For so long keys that were known go on while the database does not answer, since that is our
fault. No longer: one of them may have been revoked meanwhile."""
AGAIN_SECONDS = 5
"""Between two attempts while it does not answer."""


class KnownSponsors:
    """The names of sponsors by the hashes of their keys, in memory."""

    def __init__(self, books: SponsorBooks, clock: Clock) -> None:
        self._books, self._steady = books, steady(clock)
        self._names: Mapping[str, str] = {}
        self._read_s = self._tried_s = -inf
        self._lock = asyncio.Lock()

    async def name_of(self, key_hash: str) -> str | None:
        """The sponsor who has that key; None if nobody has.

        StoreError if the list is too old to say so."""
        async with self._lock:
            if self._is_older_than(RENEWED_SECONDS):
                await self._renew()
        name = self._names.get(key_hash)
        # Who is not on an old list may stand on the new one: we do not know, and must not say no.
        if self._is_older_than(LASTS_SECONDS if name else RENEWED_SECONDS):
            raise StoreError("the list of sponsors cannot be read")
        return name

    async def _renew(self) -> None:
        """Reads the list, unless that has just failed; what was known stays if it fails."""
        now_s = self._steady()
        if now_s < self._tried_s + AGAIN_SECONDS:
            return
        self._tried_s = now_s
        try:
            book = await self._books.book()
        except StoreError:
            self._tried_s = self._steady()
            return
        self._names, self._read_s, self._tried_s = book.names_by_hash(), now_s, -inf

    def _is_older_than(self, seconds: float) -> bool:
        return self._steady() - self._read_s >= seconds
