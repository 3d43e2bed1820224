"""Where a shard stands before its next sweep: its roster, and the rows that a sweep goes on from.

Read from documents when another instance swept last, kept in memory otherwise: an instance
that wrote the last sweep knows it, and the roster. Once in READ_AGAIN_TICKS it looks whether the
roster is still that one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from collector.ingest_record import IngestRecord
from coordinator.adapters.records import Measurements
from coordinator.adapters.worker_pool import work_through
from coordinator.sweeping.compaction import succeeding
from coordinator.sweeping.polls import Poll
from coordinator.sweeping.rosters import Roster, Slot, by_node
from coordinator.sweeping.shards import Shard, all_of
from coordinator.sweeping.sweeps import Sweep, SweepBits
from coordinator.sweeping.tenures import dropped, going_on
from coordinator.sweeping.waits import Waits

KEPT_TICKS = 1_440
"""How long people see who left: a day of minutes; dropped from the next version then."""
READ_AGAIN_TICKS = 10
"""How often an instance looks at the roster it knows. A collector with another SHARDS may have
taken over, and minutes on a roster that was closed count for nobody."""

PUT_AWAY_AT_ONCE = 64
"""Some hundred nodes that left a day ago are written within a second or two of a sweep."""


@dataclass(frozen=True, slots=True)
class ShardState:
    """A shard between two sweeps."""

    tick: int
    """Of the last sweep; 0 if there was none."""
    roster: Roster
    polls: Mapping[int, Poll]
    """The last sweep's rows, by slot of this roster."""
    cursor_s: float
    """Node documents changed up to here have been taken in."""
    since_tick: int
    """The first tick that nodes are divided into so many shards."""

    def still_polled(self, tick: int) -> Roster:
        """The roster from `tick` on: who missed so many polls is polled no more."""
        lost = Sweep(self.roster.shard, self.tick, 0, self.polls).lost()
        lost = [at for at in lost if self.roster.slots[at].left_tick is None]
        return self.roster.without(lost, tick, {at: self.polls[at].reason for at in lost})

    def moved_to(self, roster: Roster) -> "ShardState":
        """The same on another version of the roster: rows follow their nodes."""
        rows = by_node(self.polls, self.roster)
        keys = ((at, (slot.node_id, slot.stream_id)) for at, slot in enumerate(roster.slots))
        return replace(self, roster=roster, polls={at: rows[k] for at, k in keys if k in rows})


async def read_state(
    measurements: Measurements, shard: Shard, tick: int, now_s: float
) -> ShardState:
    """How a shard stands before the sweep of `tick`; how it begins, if SHARDS was changed."""
    own = await _after_last_sweep(measurements, shard, tick)
    if own is not None and own.roster.until_tick is None:
        return own
    newest = await measurements.last_sweep(before_tick=tick + 1)
    if newest is None:  # nobody was ever polled
        return ShardState(0, Roster(shard, tick, 0.0), {}, 0.0, tick)
    if own is not None:  # an older collector may be called too: what began last is in force
        lately = range(max(own.roster.until_tick or 0, tick - 2 * READ_AGAIN_TICKS), tick + 1)
        found = [newest, *await measurements.sweep_bits(lately)]
        newest = max(found, key=lambda each: (each.since_tick, each.shard.count != shard.count))
    if newest.shard.count != shard.count:
        return await _divided_anew(measurements, newest, shard, tick, now_s)
    if own is not None and own.since_tick == newest.since_tick:
        # Closed for a division that was given up before its first sweep.
        new = succeeding([own.roster], shard, tick, kept_since_tick=tick - KEPT_TICKS)
        await measurements.replace_roster(new, Roster(shard, tick, 0.0))
        return own.moved_to(await measurements.roster(shard, tick))
    roster = await measurements.roster(shard, newest.since_tick)  # another shard was faster
    return ShardState(0, roster, {}, roster.cursor_s, newest.since_tick)


async def rows_before(ingest: IngestRecord, state: ShardState, tick: int) -> Mapping[int, Poll]:
    """The rows that the sweep of `tick` goes on from: with what is known by now of those who
    waited. Runs are read only where somebody did."""
    waits = Waits(state.polls, state.tick, tick, ingest.calendar)
    return waits.decided(state.roster.slots, await ingest.runs(waits.draws()))


async def _after_last_sweep(
    measurements: Measurements, shard: Shard, tick: int
) -> ShardState | None:
    """After the shard's last sweep before `tick`; None if there was none.

    On a closed roster where nothing follows it: others took its nodes over."""
    sweep = await measurements.last_sweep_of(shard, range(tick))
    if sweep is None:
        return None
    roster = await measurements.roster(shard, sweep.roster_version)
    state = ShardState(sweep.tick, roster, sweep.polls, sweep.cursor_s, sweep.since_tick)
    while (end := state.roster.next_version) is not None:
        successor = await measurements.roster(shard, end)
        if not successor.revision:
            break
        state = state.moved_to(successor)  # it was compacted, and then nobody swept
    return state


async def _divided_anew(
    measurements: Measurements, newest: SweepBits, shard: Shard, tick: int, now_s: float
) -> ShardState:
    """The nodes of the division that `newest` is of, divided as `shard` is.

    Its rosters are closed first. Left open they would keep their nodes due, and minutes that
    nobody measures are paid like the one before. Then every shard gets its roster, so that
    minutes until its own first sweep are `unknown`. Only then anything is swept: whoever
    finds a sweep of this division finds the rosters of all of it."""
    closed: list[Roster] = []
    for other in all_of(newest.shard.count):
        last = await measurements.last_sweep_of(other, range(newest.since_tick, tick + 1))
        version = last.roster_version if last else newest.since_tick
        roster = await measurements.close_roster(other, version, tick, now_s)
        is_last = last is not None and last.roster_version == roster.version
        closed.append(going_on(roster, last.polls) if last and is_last else roster)
    following = [
        succeeding(closed, each, tick, kept_since_tick=tick - KEPT_TICKS)
        for each in all_of(shard.count)
    ]
    await put_away(measurements, closed, following)
    for new in following:
        await measurements.replace_roster(new, Roster(new.shard, tick, 0.0))
    roster = await measurements.roster(shard, tick)
    return ShardState(0, roster, {}, roster.cursor_s, tick)


async def put_away(
    measurements: Measurements, old: Iterable[Roster], new: Iterable[Roster]
) -> None:
    """Keeps the minutes of nodes that left, before rosters follow that know them no more."""

    async def put(slot: Slot) -> None:
        await measurements.put_away(slot)

    await work_through(dropped(old, new), put, at_once=PUT_AWAY_AT_ONCE)
