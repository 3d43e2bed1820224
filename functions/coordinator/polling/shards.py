"""Shards: how the nodes are divided among sweeps, and how that changes without losing a minute.

A layout is a number of shards from a tick on; in every tick exactly one is in force, whatever
the instances' settings say, because it stands in one document. A new setting takes effect a few
ticks after every one of its shards has been called, so nothing is left unswept while scheduler
jobs and functions are being changed. Until then the callers sweep the shards of the old layout.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

SHARDS_MAX = 64
SETTLED_AFTER_TICKS = 10
"""A layout stays at least so long: an old instance that lives on a little changes nothing."""
LEAD_TICKS = 5
"""How long before it begins a layout is written: who reads the document less often misses it."""
LAYOUTS_MAX = 200


@dataclass(frozen=True, slots=True)
class Layout:
    """So many shards, from a tick on."""

    shards: int
    from_tick: int

    def covered_by(self, caller: int, callers: int) -> range:
        """The shards of this layout that the call `caller` of `callers` sweeps.

        Every shard has exactly one caller, and itself where both numbers are the same."""
        return range(caller, self.shards, callers)


FIRST = Layout(shards=1, from_tick=1)


@dataclass(frozen=True, slots=True)
class Layouts:
    """The document `layouts/sweeps`: every layout so far, and the one that is wanted next."""

    entries: tuple[Layout, ...] = (FIRST,)
    """Oldest first; the last may begin a few ticks from now."""
    wanted: int | None = None
    called: frozenset[int] = frozenset()
    """Shards of the wanted layout that have been called."""

    def at(self, tick: int) -> Layout:
        """The layout in force in a tick."""
        return next((e for e in reversed(self.entries) if e.from_tick <= tick), self.entries[0])

    def before(self, layout: Layout) -> Layout | None:
        """The one that `layout` took over from; None for the first."""
        at = self.entries.index(layout)
        return self.entries[at - 1] if at else None

    def within(self, ticks: range) -> list[tuple[Layout, range]]:
        """The layouts in force in `ticks`, each with its part of them."""
        ends = [entry.from_tick for entry in self.entries[1:]] + [max(ticks.stop, 2)]
        starts = [0, *ends[:-1]]
        parts = [
            (entry, range(max(ticks.start, start), min(ticks.stop, end)))
            for entry, start, end in zip(self.entries, starts, ends, strict=True)
        ]
        return [(entry, part) for entry, part in parts if part]

    def after_call(self, caller: int, callers: int, tick: int) -> "Layouts":
        """What a call of shard `caller` out of `callers` in a tick makes of this.

        The same object while nothing changes, so that nothing needs to be written."""
        latest = self.entries[-1]
        if callers == latest.shards or tick < latest.from_tick + self._settles(latest):
            return self
        called = (self.called if self.wanted == callers else frozenset()) | {caller}
        if len(called) < callers:
            same = self.wanted == callers and called == self.called
            return self if same else replace(self, wanted=callers, called=called)
        begun = Layout(callers, tick + LEAD_TICKS)
        return Layouts((*self.entries, begun)[-LAYOUTS_MAX:])

    def _settles(self, latest: Layout) -> int:
        return 0 if latest == FIRST else SETTLED_AFTER_TICKS

    def to_fields(self) -> dict[str, Any]:
        """The document's fields."""
        return {
            "entries": [{"shards": e.shards, "from_tick": e.from_tick} for e in self.entries],
            "wanted": self.wanted,
            "called": sorted(self.called),
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any] | None) -> "Layouts":
        """The layouts that `to_fields` wrote; a single shard before anything was written."""
        if fields is None:
            return cls()
        entries = tuple(Layout(entry["shards"], entry["from_tick"]) for entry in fields["entries"])
        return cls(entries, fields["wanted"], frozenset(fields["called"]))
