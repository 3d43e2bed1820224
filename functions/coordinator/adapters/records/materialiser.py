"""Writing the page of streams and tokens: out of the ledger, whenever something moved in it.

Payout and api both do it. Whoever writes read the page before it read the ledger, and writes only
over the page that it read: so the last one written knows of every movement that came before.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from coordinator.adapters.clock import Clock
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.store.protocol import StoreError
from coordinator.projections.money_projection import MoneyProjection

ATTEMPTS_MAX = 20
"""Each lost one was another writer's success."""


@dataclass
class Materialiser:
    """Keeps `pages/money` up to date."""

    measurements: Measurements
    ledger: Ledger
    clock: Clock
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def page(self) -> MoneyProjection:
        """The page; made of the whole ledger where there is none yet. One read otherwise."""
        return await self.measurements.money_page() or await self.refresh(())

    async def catch_up(self, settled: Iterable[str]) -> MoneyProjection:
        """After settling these streams; also shows what a crash kept an earlier call from.

        The page after it."""
        page, accounts = await self.measurements.money_page(), await self.ledger.accounts()
        shown = page.applied if page else {}
        behind = {name for name, epoch in accounts.applied.items() if shown.get(name) != epoch}
        if stream_ids := behind | set(settled):
            return await self.refresh(stream_ids, accounts=True)
        return page or MoneyProjection()

    async def refresh(
        self, stream_ids: Iterable[str], *, accounts: bool = False
    ) -> MoneyProjection:
        """Writes these streams anew, and everybody's tokens if asked; the page after it."""
        wanted = sorted(set(stream_ids))
        async with self._lock:
            for _ in range(ATTEMPTS_MAX):
                known = await self.measurements.money_page()
                before = known or MoneyProjection()
                page = replace(before, written_s=self.clock())
                page = await self._with_streams(page, None if known is None else wanted)
                if accounts or known is None:
                    page = page.with_accounts(await self.ledger.accounts())
                if written := await self.measurements.replace_money_page(page, before):
                    return written
        raise StoreError("others were always faster at the page of streams and tokens")

    async def _with_streams(
        self, page: MoneyProjection, stream_ids: list[str] | None
    ) -> MoneyProjection:
        """With those streams, or with all."""
        if stream_ids is None:
            streams = await self.measurements.streams()
        else:
            streams = [each for each in await self.measurements.streams_of(stream_ids) if each]
        balances = await self.ledger.balances([stream.stream_id for stream in streams])
        return page.with_streams(zip(streams, balances, strict=True))
