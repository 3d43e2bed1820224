"""Where a shard stands before its next sweep: its roster, and the rows that a sweep goes on from.

Read from documents when another instance swept last, kept in memory otherwise: an instance
that wrote the last sweep knows it, and the roster, without reading anything.
"""

from dataclasses import dataclass, replace

from coordinator.adapters.records import Measurements
from coordinator.keys import shard_of
from coordinator.polling.polls import Poll
from coordinator.polling.rosters import Roster, by_node, succeeding
from coordinator.polling.shards import Layout, Layouts
from coordinator.polling.sweeps import Sweep

KEPT_TICKS = 1_440
"""How long people see who left: a day of minutes; dropped from the next version then."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A shard between two sweeps."""

    tick: int
    """Of the last sweep; 0 if there was none."""
    roster: Roster
    polls: dict[int, Poll]
    """The last sweep's rows, by slot of this roster."""
    cursor_s: float
    """Node documents changed up to here have been taken in."""

    def lost(self) -> list[int]:
        """Slots that missed so many polls that they are polled no more."""
        lost = Sweep(0, self.tick, 0, self.polls).lost()
        return [at for at in lost if self.roster.slots[at].left_tick is None]

    def moved_to(self, roster: Roster) -> "Standing":
        """The same on another version of the roster: rows follow their nodes."""
        rows = by_node(self.polls, self.roster)
        keys = ((at, (slot.node_id, slot.stream_id)) for at, slot in enumerate(roster.slots))
        return replace(self, roster=roster, polls={at: rows[k] for at, k in keys if k in rows})


async def read_standing(
    measurements: Measurements, layouts: Layouts, layout: Layout, shard: int, tick: int
) -> Standing:
    """How a shard stands before the sweep of `tick`, taken over from older shards if need be."""
    swept = await _last(measurements, layout, shard, tick, followed_until=tick + 1)
    if swept is not None:
        return swept
    begun = await measurements.roster(shard, layout.from_tick)
    before = layouts.before(layout)
    if before is None or begun.revision:
        taken = Standing(0, begun, {}, begun.cursor_s)
        return taken if before is None else await _with_rows(measurements, before, layout, taken)
    old = await _all_of(measurements, before, layout.from_tick)
    roster = succeeding(
        [standing.roster.closed(layout.from_tick) for standing in old],
        shard,
        layout.from_tick,
        kept_since_tick=layout.from_tick - KEPT_TICKS,
        belongs=lambda node_id: shard_of(node_id, layout.shards) == shard,
    )
    cursor_s = min((standing.cursor_s for standing in old), default=0.0)
    written = await measurements.replace_roster(replace(roster, cursor_s=cursor_s), begun)
    roster = written or await measurements.roster(shard, layout.from_tick)
    return _rows_onto(roster, old, cursor_s)


async def close_older(
    measurements: Measurements, layouts: Layouts, layout: Layout, caller: int, now_s: float
) -> None:
    """Closes the rosters of the shards that `caller` swept until this layout took over."""
    before = layouts.before(layout)
    for shard in before.covered_by(caller, layout.shards) if before else ():
        last = await _standing_of(measurements, before or layout, shard, layout.from_tick)
        closed = last.roster.closed(layout.from_tick)
        if closed is not last.roster:
            await measurements.replace_roster(closed, last.roster, now_s)


async def _last(
    measurements: Measurements, layout: Layout, shard: int, tick: int, *, followed_until: int
) -> Standing | None:
    """After the shard's last sweep in this layout before `tick`; None if there was none.

    A version closed before `followed_until` was compacted, and goes on under another name."""
    sweep = await measurements.last_sweep_of(shard, range(layout.from_tick, tick))
    if sweep is None:
        return None
    roster = await measurements.roster(shard, sweep.roster_version)
    standing = Standing(sweep.tick, roster, sweep.polls, sweep.cursor_s or roster.cursor_s)
    while (end := standing.roster.until_tick) is not None and end < followed_until:
        standing = standing.moved_to(await measurements.roster(shard, end))
    return standing


async def _all_of(measurements: Measurements, layout: Layout, tick: int) -> list[Standing]:
    """Every shard of an older layout as its last sweep before `tick` left it."""
    found = []
    for shard in range(layout.shards):
        last = await _standing_of(measurements, layout, shard, tick)
        found.append(replace(last, roster=last.roster.without(last.lost(), tick)))
    return found


async def _standing_of(
    measurements: Measurements, layout: Layout, shard: int, tick: int
) -> Standing:
    last = await _last(measurements, layout, shard, tick, followed_until=tick)
    if last is not None:
        return last
    roster = await measurements.roster(shard, layout.from_tick)
    return Standing(0, roster, {}, roster.cursor_s)


async def _with_rows(
    measurements: Measurements, before: Layout, layout: Layout, taken: Standing
) -> Standing:
    old = await _all_of(measurements, before, layout.from_tick)
    return _rows_onto(taken.roster, old, taken.cursor_s)


def _rows_onto(roster: Roster, old: list[Standing], cursor_s: float) -> Standing:
    rows: dict[tuple[str, str], Poll] = {}
    for standing in old:
        rows |= by_node(standing.polls, standing.roster)
    keys = ((at, (slot.node_id, slot.stream_id)) for at, slot in enumerate(roster.slots))
    polls = {at: rows[key] for at, key in keys if key in rows}
    return Standing(0, roster, polls, cursor_s)
