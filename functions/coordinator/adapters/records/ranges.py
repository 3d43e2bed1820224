"""What all records have: a store, the setting of shards, and ranges of documents."""

from datetime import UTC, datetime, timedelta

from coordinator.adapters.store.protocol import Fields, Query, Store
from coordinator.epochs import EVIDENCE_DAYS

PAGE = 300
"""Documents a query; a value's documents must fit in one page (one a shard or part)."""


class Records:
    """Documents of the `(default)` database as the rules' own types."""

    def __init__(self, store: Store, shards: int = 1, partitions: int = 1) -> None:
        """The settings of both names: a first guess for whoever reads what all parts wrote."""
        self._store = store
        self._shards, self._partitions = shards, partitions

    async def _range(self, field: str, start: int, stop: int) -> list[Fields]:
        """All documents with start <= field < stop, in pages."""
        found: list[Fields] = []
        while start < stop:
            page = await self._store.find(
                Query("probe_results", field, at_least=start, below=stop, limit=PAGE)
            )
            found += [fields for _, fields in page]
            if len(page) < PAGE:
                break
            last = page[-1][1][field]
            found = [fields for fields in found if fields[field] != last]
            start = last
        return found


def expiry(now_s: float) -> datetime:
    """When the TTL policy may delete a measurement."""
    return datetime.fromtimestamp(now_s, UTC) + timedelta(days=EVIDENCE_DAYS)
