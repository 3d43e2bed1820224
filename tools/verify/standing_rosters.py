"""Which rosters were in force in an epoch: those of sweeps, and what took over from them."""

from collections.abc import Iterable, Sequence

from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import Shard, all_of
from coordinator.sweeping.sweeps import SweepBits
from tools.verify.public import PublicRecord

LOOKED_BACK_TICKS = 10_080
"""A week of minutes. Of a network that nobody swept for longer it cannot be told who was due."""
PAGE_TICKS = 100
"""As many as one answer has; whoever looks at epoch after epoch asks for the same ones."""
_Rosters = dict[tuple[Shard, int], Roster]


async def rosters_in_force(
    record: PublicRecord, sweeps: Sequence[SweepBits], ticks: range
) -> _Rosters:
    """Every roster that said in these ticks who was due; `sweeps` are those of the ticks.

    A shard that was not swept at all has a roster too, as it stood when it was swept last."""
    before = await _before(record, ticks)
    wanted = {(sweep.shard, sweep.roster_version) for sweep in sweeps}
    wanted |= _unswept(before[-1:], sweeps, [*before, *sweeps])
    wanted |= _unswept(sweeps, sweeps, [*before, *sweeps])
    found: _Rosters = {}
    while wanted := wanted - found.keys():
        read = [await record.roster(*key) for key in sorted(wanted)]
        found |= {(roster.shard, roster.version): roster for roster in read}
        ends = ((roster.shard, roster.next_version) for roster in read)
        wanted = {(shard, end) for shard, end in ends if end is not None and end in ticks}
    return {key: roster for key, roster in found.items() if roster.slots}


async def _before(record: PublicRecord, ticks: range) -> list[SweepBits]:
    """The sweeps of the last ticks before in which anything was swept, oldest first."""
    stop = ticks.start
    while stop > max(0, ticks.start - LOOKED_BACK_TICKS):
        start = (stop - 1) // PAGE_TICKS * PAGE_TICKS
        found = await record.past_sweeps(range(start, start + PAGE_TICKS))
        if earlier := [sweep for sweep in found if sweep.tick < stop]:
            return earlier
        stop = start
    return []


def _unswept(
    named: Iterable[SweepBits], measured: Sequence[SweepBits], known: Sequence[SweepBits]
) -> set[tuple[Shard, int]]:
    """Rosters of shards that nobody swept though others of the same division were."""
    swept = {(sweep.shard, sweep.since_tick) for sweep in measured}
    last = {(sweep.shard, sweep.since_tick): sweep.roster_version for sweep in known}
    return {
        (shard, last.get((shard, since_tick), since_tick))
        for count, since_tick in {(sweep.shard.count, sweep.since_tick) for sweep in named}
        for shard in all_of(count)
        if (shard, since_tick) not in swept
    }
