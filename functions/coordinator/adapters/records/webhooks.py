"""The webhooks of streams, in the `money` database, on any store."""

from collections.abc import Iterable, Sequence

from coordinator.adapters.store.protocol import Fields, Query, Ref, Store, decided
from coordinator.ledger.webhooks import WEBHOOKS, Webhook

DUE_MAX = 200


class Webhooks:
    """Written by api once, and by payout as it delivers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, webhook: Webhook) -> bool:
        """False if the stream has one already."""
        return await self._store.create(_ref(webhook.stream_id), WEBHOOKS.encode(webhook))

    async def of(self, stream_id: str) -> Webhook | None:
        """The stream's own."""
        (fields,) = await self._store.get(_ref(stream_id))
        return WEBHOOKS.decode_or_none(fields)

    async def of_all(self, stream_ids: Iterable[str]) -> list[Webhook]:
        """Those of the streams, as far as they have any."""
        found = await self._store.get(*map(_ref, stream_ids))
        return [WEBHOOKS.decode(fields) for fields in found if fields is not None]

    async def due(self, now_s: float) -> list[Webhook]:
        """Those to look at, longest due first, at most DUE_MAX."""
        found = await self._store.find(
            Query("webhooks", "due_s", at_least=0.0, below=now_s, limit=DUE_MAX)
        )
        return [WEBHOOKS.decode(fields) for _, fields in found]

    async def replace(self, new: Webhook) -> Webhook:
        """Another URL, secret and due time for the one that is there, which keeps how far it has
        come; or `new` as it is. Returns what is there then.

        What its request has done before is not done again; RequestConflictError if that was
        something else."""
        ref = _ref(new.stream_id)

        def decide(read: Sequence[Fields | None]) -> tuple[Webhook, dict[Ref, Fields]]:
            before = WEBHOOKS.decode_or_none(read[0])
            if before and any(before.has_done(request) for request in new.requests):
                return before, {}
            kept = before.moved_to(new) if before else new
            return kept, {ref: WEBHOOKS.encode(kept)}

        return await decided(self._store, [ref], decide)

    async def keep(self, before: Webhook, after: Webhook) -> bool:
        """Writes how far it has come; False if another instance has meanwhile."""
        ref = _ref(after.stream_id)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            same = WEBHOOKS.decode_or_none(read[0]) == before
            return {ref: WEBHOOKS.encode(after)} if same else {}

        return bool(await self._store.transact([ref], decide))


def _ref(stream_id: str) -> Ref:
    return Ref("webhooks", stream_id)
