"""What people are shown: the pages of the network and of its tokens."""

from collections.abc import Sequence
from dataclasses import replace

from coordinator.adapters.records.ranges import Records
from coordinator.adapters.store.protocol import Fields, Ref
from coordinator.projections.money_projection import MONEY_PAGES, MoneyProjection
from coordinator.projections.network_document import (
    NETWORK_PAGES,
    NetworkDocument,
    PackedNetwork,
    network_document_id,
)

_MONEY_PAGE = Ref("pages", "money")


class ProjectionRecords(Records):
    """Documents of `pages` that two functions share."""

    async def network_pages(self) -> list[NetworkDocument]:
        """The pages of all shards, as far as they are written.

        Of as many as the setting says, and of as many as the newest of these knows of."""
        pages = await self._pages(range(self._shards))
        newest = max(pages, key=lambda page: page.tick, default=None)
        if newest is not None and newest.shard.count > self._shards:
            pages += await self._pages(range(self._shards, newest.shard.count))
        return pages

    async def _pages(self, numbers: range) -> list[NetworkDocument]:
        refs = [Ref("pages", network_document_id(number)) for number in numbers]
        found = map(NETWORK_PAGES.decode_if_known, await self._store.get(*refs))
        return [each.page() for each in found if each]

    async def network_page(self, number: int) -> NetworkDocument | None:
        """The page of the shard with this number."""
        return next(iter(await self._pages(range(number, number + 1))), None)

    async def put_network_page(self, page: NetworkDocument) -> None:
        """Only the collector of its shard calls this."""
        fields = NETWORK_PAGES.encode(PackedNetwork.of(page))
        await self._store.put(Ref("pages", page.id), fields)

    async def money_page(self) -> MoneyProjection | None:
        """Streams and tokens as they were last shown."""
        (fields,) = await self._store.get(_MONEY_PAGE)
        return MONEY_PAGES.decode_if_known(fields)

    async def replace_money_page(
        self, page: MoneyProjection, before: MoneyProjection
    ) -> MoneyProjection | None:
        """Writes `page` over `before`, its next revision; None if that was written meanwhile."""
        revised = replace(page, revision=before.revision + 1)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            stored = MONEY_PAGES.decode_if_known(read[0]) or MoneyProjection()
            same = stored.revision == before.revision
            return {_MONEY_PAGE: MONEY_PAGES.encode(revised)} if same else {}

        return revised if await self._store.transact([_MONEY_PAGE], decide) else None
