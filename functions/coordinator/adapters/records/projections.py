"""What people are shown: the projections of the network and of its tokens."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from coordinator.adapters.records.ranges import Records
from coordinator.adapters.store.protocol import Fields, Ref
from coordinator.projections.listing_news import LISTING_NEWS, ListingNews, listing_news_id
from coordinator.projections.money_projection import MONEY_PROJECTIONS, MoneyProjection
from coordinator.projections.network_document import (
    NETWORK_DOCUMENTS,
    NetworkDocument,
    PackedNetwork,
    network_document_id,
)

_MONEY = Ref("projections", "money")


class ProjectionRecords(Records):
    """Documents of `projections` that two functions share."""

    async def network_documents(self) -> list[NetworkDocument]:
        """The documents of all shards, as far as they are written.

        Of as many as the setting says, and of as many as the newest of these knows of."""
        documents = await self._documents(range(self._shards))
        newest = max(documents, key=lambda document: document.tick, default=None)
        if newest is not None and newest.shard.count > self._shards:
            documents += await self._documents(range(self._shards, newest.shard.count))
        return documents

    async def _documents(self, numbers: range) -> list[NetworkDocument]:
        refs = [Ref("projections", network_document_id(number)) for number in numbers]
        found = await self._store.get(*refs)
        # Ten thousand nodes take a tenth of a second: others are answered meanwhile.
        return await asyncio.to_thread(_unpacked, found)

    async def network_document(self, number: int) -> NetworkDocument | None:
        """The document of the shard with this number."""
        return next(iter(await self._documents(range(number, number + 1))), None)

    async def put_network_document(self, document: NetworkDocument) -> None:
        """Only the collector of its shard calls this."""
        fields = NETWORK_DOCUMENTS.encode(PackedNetwork.of(document))
        await self._store.put(Ref("projections", document.id), fields)

    async def listing_news(self) -> list[ListingNews]:
        """Who joined lists or left them lately."""
        ids = map(listing_news_id, range(self._partitions))
        found = await self._store.get(*(Ref("projections", name) for name in ids))
        return [news for news in map(LISTING_NEWS.decode_if_known, found) if news]

    async def money_projection(self) -> MoneyProjection | None:
        """Streams and tokens as they were last shown."""
        (fields,) = await self._store.get(_MONEY)
        return MONEY_PROJECTIONS.decode_if_known(fields)

    async def replace_money_projection(
        self, projection: MoneyProjection, before: MoneyProjection
    ) -> MoneyProjection | None:
        """Writes it over `before`, as the next revision; None if somebody was faster."""
        revised = replace(projection, revision=before.revision + 1)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            stored = MONEY_PROJECTIONS.decode_if_known(read[0]) or MoneyProjection()
            same = stored.revision == before.revision
            return {_MONEY: MONEY_PROJECTIONS.encode(revised)} if same else {}

        return revised if await self._store.transact([_MONEY], decide) else None


def _unpacked(found: Sequence[Fields | None]) -> list[NetworkDocument]:
    packed = map(NETWORK_DOCUMENTS.decode_if_known, found)
    return [each.unpacked() for each in packed if each]
