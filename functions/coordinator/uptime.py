"""Minutes of an epoch, per node, out of the sweeps' bitmaps."""

from collections.abc import Iterable, Mapping

from coordinator.checks import IngestState, Run
from coordinator.epochs import Calendar
from coordinator.rosters import Roster
from coordinator.statements import Minutes
from coordinator.sweeps import SweepBits


def minutes_of(
    stream_id: str,
    ticks: range,
    rosters: Mapping[tuple[int, int], Roster],
    sweeps: Iterable[SweepBits],
    idle_ticks: frozenset[int] = frozenset(),
) -> dict[str, Minutes]:
    """Minutes by node id of one stream; bit i stands for `ticks[i]`.

    `rosters` by (shard, version). A tick in which a node was due but its shard's sweep is
    missing or left it out is unknown. In `idle_ticks` the ingest had no stream: nothing that a
    node claims then counts."""
    by_tick = {(sweep.shard, sweep.tick): sweep for sweep in sweeps}
    found: dict[str, Minutes] = {}
    for roster in rosters.values():
        sweeps_of_shard = [by_tick.get((roster.shard, tick)) for tick in ticks]
        for at, slot in enumerate(roster.slots):
            if slot.stream_id != stream_id:
                continue
            due = up = unknown = 0
            for i, tick in enumerate(ticks):
                if not slot.is_polled_at(tick):
                    continue
                sweep, bit = sweeps_of_shard[i], 1 << i
                if sweep is not None and sweep.roster_version != roster.version:
                    continue
                due |= bit
                if sweep is None or not sweep.probed >> at & 1 or sweep.unknown >> at & 1:
                    unknown |= bit
                elif sweep.up >> at & 1 and tick not in idle_ticks:
                    up |= bit
            if due:
                before = found.get(slot.node_id, Minutes())
                found[slot.node_id] = Minutes(
                    before.due | due, before.up | up, before.unknown | unknown
                )
    return found


def idle_ticks_of(stream_id: str, runs: Iterable[Run], calendar: Calendar) -> frozenset[int]:
    """Ticks that lie in a draw in which the ingest could be asked and had no such stream."""
    idle: set[int] = set()
    for run in runs:
        if run.streams.get(stream_id) is IngestState.DOWN:
            start_s = run.draw * calendar.check_seconds
            last_s = start_s + calendar.check_seconds - 1
            idle.update(range(calendar.tick_at(start_s), calendar.tick_at(last_s) + 1))
    return frozenset(idle)
