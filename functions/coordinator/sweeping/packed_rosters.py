"""A roster as it is stored: its slots as a table, without what they say twice."""

from dataclasses import dataclass, replace
from typing import Annotated

from coordinator.documents.codec import Codec
from coordinator.documents.columns import Table
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import Shard

ALL_SLOTS = slice(None)


@dataclass(frozen=True, slots=True)
class PackedRoster:
    """A roster as it is stored: a URL says no host that the slot has a field for."""

    shard: Shard
    version: int
    cursor_s: float
    slots: Annotated[tuple[Slot, ...], Table()]
    until_tick: int | None
    revision: int

    @classmethod
    def of(cls, roster: Roster) -> "PackedRoster":
        """The roster, packed."""
        slots = (replace(slot, stats_url=without_host(slot)) for slot in roster.slots)
        times = (roster.shard, roster.version, roster.cursor_s)
        return cls(*times, tuple(slots), roster.until_tick, roster.revision)

    def roster(self, places: slice = ALL_SLOTS) -> Roster:
        """What was packed, or those of its slots that are asked for."""
        shown = self.slots[places]
        slots = (replace(s, stats_url=with_host(s.stats_url, s.rtmp_host)) for s in shown)
        times = (self.shard, self.version, self.cursor_s)
        return Roster(*times, tuple(slots), self.until_tick, self.revision)


ROSTERS = Codec(PackedRoster, "rosters")
_HOST = "{}"
"""Stands in a stats URL for the host; no URL can hold it."""


def without_host(slot: Slot) -> str:
    """The slot's URL with a mark in the place of its host."""
    return slot.stats_url.replace(slot.rtmp_host, _HOST, 1)


def with_host(url: str, host: str) -> str:
    """The URL that `without_host` shortened."""
    return url.replace(_HOST, host, 1)
