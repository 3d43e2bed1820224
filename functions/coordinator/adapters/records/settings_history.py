"""The history of a network's settings, in the `money` database, on any store."""

from coordinator.adapters.store.protocol import FIND_LIMIT_MAX, Query, Ref, Store
from coordinator.ledger.published_settings import PUBLISHED_SETTINGS, PublishedSettings, following


class SettingsHistory:
    """Written by payout alone, which settles by it; each entry once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def history(self) -> list[PublishedSettings]:
        """All of it, oldest first; a deployment changes its settings some times a year."""
        found = await self._store.find(
            Query("published_settings", "number", at_least=1, limit=FIND_LIMIT_MAX)
        )
        return [PUBLISHED_SETTINGS.decode(fields) for _, fields in found]

    async def publish(self, wanted: PublishedSettings, now_s: float) -> list[PublishedSettings]:
        """The history, with what a deployment is set to as its last entry.

        Entries are created and never written again. Raises LengthsChangedError."""
        while True:
            history = await self.history()
            new = following(history, wanted, now_s)
            if new is None:
                return history
            ref = Ref("published_settings", f"{new.number:010d}")
            await self._store.create(ref, PUBLISHED_SETTINGS.encode(new))
