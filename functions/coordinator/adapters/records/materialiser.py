"""Writing the projection of streams and tokens: out of the ledger, whenever something moved in it.

Payout and api both do it. Whoever writes reads the projection before the ledger, and writes only
over the one that it read. So the last one written knows of every movement that came before.
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
    """Keeps `projections/money` up to date."""

    measurements: Measurements
    ledger: Ledger
    clock: Clock
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def projection(self) -> MoneyProjection:
        """The projection; made of the whole ledger where there is none yet. One read otherwise."""
        return await self.measurements.money_projection() or await self.refresh(())

    async def catch_up(self, settled: Iterable[str]) -> MoneyProjection:
        """After settling these streams; also shows what a crash kept an earlier call from.

        The projection after it."""
        projection = await self.measurements.money_projection()
        accounts = await self.ledger.accounts()
        shown = projection.applied if projection else {}
        behind = {name for name, epoch in accounts.applied.items() if shown.get(name) != epoch}
        if stream_ids := behind | set(settled):
            return await self.refresh(stream_ids, accounts=True)
        return projection or MoneyProjection()

    async def refresh(
        self, stream_ids: Iterable[str], *, accounts: bool = False
    ) -> MoneyProjection:
        """Writes these streams anew, and everybody's tokens if asked; the projection after it."""
        wanted = sorted(set(stream_ids))
        async with self._lock:
            for _ in range(ATTEMPTS_MAX):
                known = await self.measurements.money_projection()
                before = known or MoneyProjection()
                projection = replace(before, written_s=self.clock())
                projection = await self._with_streams(projection, None if known is None else wanted)
                if accounts or known is None:
                    projection = projection.with_accounts(await self.ledger.accounts())
                if written := await self.measurements.replace_money_projection(projection, before):
                    return written
        raise StoreError("others were always faster at the projection of streams and tokens")

    async def _with_streams(
        self, projection: MoneyProjection, stream_ids: list[str] | None
    ) -> MoneyProjection:
        """With those streams, or with all."""
        if stream_ids is None:
            streams = await self.measurements.streams()
        else:
            streams = [each for each in await self.measurements.streams_of(stream_ids) if each]
        balances = await self.ledger.balances([stream.stream_id for stream in streams])
        return projection.with_streams(zip(streams, balances, strict=True))
