"""What people are shown: the pages of the network and of its tokens."""

from collections.abc import Sequence
from dataclasses import replace

from coordinator.adapters.records.base import Records
from coordinator.adapters.store import Fields, Ref
from coordinator.documents.column_memory import ColumnPacker
from coordinator.pages import network_pages
from coordinator.pages.money_pages import MONEY_PAGES, MoneyPage
from coordinator.pages.network_pages import NetworkPage, network_page_id

_MONEY_PAGE = Ref("pages", "money")


class PageRecords(Records):
    """Documents of `pages` that two functions share."""

    async def network_pages(self, shards: int | None = None) -> list[NetworkPage]:
        """The pages of the first so many shards, as far as they are written.

        By default those of the setting, and of the shards in force if they are more."""
        wanted = range(self._shards if shards is None else shards)
        pages = await self._pages(wanted)
        newest = max(pages, key=lambda page: page.layout.from_tick, default=None)
        if shards is None and newest is not None and newest.layout.shards > len(wanted):
            pages += await self._pages(range(len(wanted), newest.layout.shards))
        return pages

    async def _pages(self, shards: range) -> list[NetworkPage]:
        found = await self._store.get(*(Ref("pages", network_page_id(shard)) for shard in shards))
        return [
            NetworkPage.from_fields(fields)
            for fields in found
            if fields and fields["format"] == network_pages.FORMAT
        ]

    async def network_page(self, shard: int) -> NetworkPage | None:
        """One shard's page."""
        return next(iter(await self._pages(range(shard, shard + 1))), None)

    async def put_network_page(self, page: NetworkPage, packer: ColumnPacker | None = None) -> None:
        """Only the collector of its shard calls this. `packer`: of the page before."""
        await self._store.put(Ref("pages", page.id), page.to_fields(packer))

    async def money_page(self) -> MoneyPage | None:
        """Streams and tokens as they were last shown."""
        (fields,) = await self._store.get(_MONEY_PAGE)
        return MONEY_PAGES.decode_if_known(fields)

    async def replace_money_page(self, page: MoneyPage, before: MoneyPage) -> MoneyPage | None:
        """Writes `page` over `before`, its next revision; None if that was written meanwhile."""
        revised = replace(page, revision=before.revision + 1)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            stored = MONEY_PAGES.decode_if_known(read[0]) or MoneyPage()
            same = stored.revision == before.revision
            return {_MONEY_PAGE: MONEY_PAGES.encode(revised)} if same else {}

        return revised if await self._store.transact([_MONEY_PAGE], decide) else None
