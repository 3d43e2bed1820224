"""Minutes of an epoch, per node, out of the sweeps' bitmaps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coordinator.checking.checks import IngestState, Run
from coordinator.documents.bitmaps import transposed
from coordinator.epochs import Calendar
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.polls import Outcome
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE, Shard
from coordinator.sweeping.sweeps import SweepBits


@dataclass(frozen=True, slots=True)
class IngestTicks:
    """What a prober read of one stream at the ingest, by tick."""

    idle: frozenset[int] = frozenset()
    """The ingest could be asked, and had no such stream."""
    steady: frozenset[int] | None = None
    """The stream was live all the time. None where nobody asked: then it was so in all."""


def minutes_of(
    stream_id: str,
    ticks: range,
    rosters: Mapping[tuple[Shard, int], Roster],
    sweeps: Iterable[SweepBits],
    ingest: IngestTicks = IngestTicks(),
) -> dict[str, Minutes]:
    """Minutes by node id of one stream; bit i stands for `ticks[i]`.

    `rosters` by (shard, version). A tick in which a node was due but its shard's sweep is
    missing or left it out is unknown. In no tick a node is due at two slots: one ends before
    the next begins, on a roster and from one roster to the next. While the ingest had no stream, a
    node that claims to be up, or was not measured, is idle. So is one that waits for a stream that
    was not live all the time."""
    measured: dict[tuple[Shard, int], list[SweepBits]] = {}
    for sweep in sweeps:
        if sweep.tick in ticks:
            measured.setdefault((sweep.shard, sweep.roster_version), []).append(sweep)
    live = _bits(tick not in ingest.idle for tick in ticks)
    steady = _bits(ingest.steady is None or tick in ingest.steady for tick in ticks)
    found: dict[str, Minutes] = {}
    for key, roster in rosters.items():
        in_force = _bits(roster.is_in_force_at(tick) for tick in ticks)
        grid = _grid_of(roster, ticks, measured.get(key, []))
        measured_in = _measured(measured.get(key, []), len(roster.slots))
        nobody = _bits(tick not in measured_in for tick in ticks)
        for slot, *columns in zip(roster.slots, *grid, strict=True):
            due = in_force & _on_roster(slot, ticks)
            if slot.stream_id == stream_id and due:
                minutes = _read(due, columns, live, steady, nobody)
                found[slot.node_id] = found.get(slot.node_id, Minutes()) | minutes
    return found


def _read(due: int, columns: Sequence[int], live: int, steady: int, nobody: int) -> Minutes:
    """One slot's, of its columns of the grid."""
    waited, unmeasured, claimed, said_idle, down, *rest = (column & due for column in columns)
    invalid, stalled, blocked = rest
    interrupted, unknown = waited & ~steady, unmeasured & live
    return Minutes(
        due,
        claimed & live,
        unknown,
        said_idle | (claimed | unmeasured) & ~live | interrupted,
        down & ~interrupted,
        invalid,
        stalled,
        blocked,
        unknown & ~nobody,
        interrupted=interrupted,
    )


def _measured(sweeps: Iterable[SweepBits], slots: int) -> frozenset[int]:
    """The ticks in which anybody was measured: who was not, then, was unknown alone."""
    everyone = (1 << slots) - 1
    return frozenset(sweep.tick for sweep in sweeps if sweep.probed & ~sweep.unknown & everyone)


_OUTCOMES = (
    Outcome.UP,
    Outcome.IDLE,
    Outcome.DOWN,
    Outcome.INVALID,
    Outcome.STALLED,
    Outcome.BLOCKED,
)
"""In the order of the fields of `Minutes`, after `due`; `unknown` stands apart."""


def _grid_of(roster: Roster, ticks: range, sweeps: Iterable[SweepBits]) -> list[list[int]]:
    """One roster's sweeps turned around: a bitmap of ticks for every slot.

    First the ticks in which it waited, then those not measured (no sweep, left out of it, an error
    of ours), then a list for each of _OUTCOMES."""
    by_tick = {sweep.tick: sweep for sweep in sweeps}
    width = len(roster.slots)
    everyone = (1 << width) - 1
    missing = _bits(tick not in by_tick for tick in ticks)
    unknown, rows, waited = [], [], []
    for tick, present in zip(ticks, _open_slots(roster, ticks), strict=True):
        sweep = by_tick.get(tick, _NOTHING)
        unknown.append((present & ~sweep.probed | sweep.unknown) & everyone)
        waited.append(sweep.waiting & sweep.down & everyone & ~unknown[-1])
        rows.append([getattr(sweep, name) & everyone & ~unknown[-1] for name in _OUTCOMES])
    # What is missing altogether is set for all at once: rows of ones would be slow to turn.
    unknown = [row if tick in by_tick else 0 for tick, row in zip(ticks, unknown, strict=True)]
    unmeasured = [column | missing for column in transposed(unknown, width)]
    return [
        transposed(waited, width),
        unmeasured,
        *(transposed(outcome, width) for outcome in zip(*rows, strict=True)),
    ]


_NOTHING = SweepBits(WHOLE, 0, 0, probed=0, up=0, unknown=0)


def _open_slots(roster: Roster, ticks: range) -> list[int]:
    """For each tick the bitmap of slots that are to be polled, from who comes and goes."""
    comes: dict[int, int] = {}
    goes: dict[int, int] = {}
    present = bytearray(len(roster.slots) // 8 + 1)
    for at, slot in enumerate(roster.slots):
        if slot.joined_tick <= ticks.start:
            if slot.left_tick is None or slot.left_tick > ticks.start:
                present[at >> 3] |= 1 << (at & 7)
        else:
            comes[slot.joined_tick] = comes.get(slot.joined_tick, 0) | 1 << at
        if slot.left_tick is not None:
            goes[slot.left_tick] = goes.get(slot.left_tick, 0) | 1 << at
    now = int.from_bytes(present, "little")
    found = []
    for tick in ticks:
        now = (now | comes.get(tick, 0)) & ~goes.get(tick, 0)
        found.append(now)
    return found


def _on_roster(slot: Slot, ticks: range) -> int:
    """Bit i is set if the slot is polled in `ticks[i]`."""
    first = min(max(slot.joined_tick - ticks.start, 0), len(ticks))
    end = len(ticks)
    if slot.left_tick is not None:
        end = min(max(slot.left_tick - ticks.start, first), end)
    return (1 << end) - (1 << first)


def _bits(are_set: Iterable[bool]) -> int:
    return int("".join("1" if each else "0" for each in are_set)[::-1] or "0", 2)


def ingest_ticks_of(
    stream_id: str, runs: Iterable[Run], calendar: Calendar, ticks: range
) -> IngestTicks:
    """What runs say of these ticks.

    Idle are those in a draw in which the ingest could be asked and had no such stream. Steady are
    those of which each draw has a run that read the stream all the time: in any other a node that
    waits may do so by our own fault. Where the prober is divided, one part that could read the
    stream says more than others."""
    states: dict[int, set[IngestState | None]] = {}
    read_through: set[int] = set()
    for run in runs:
        states.setdefault(run.draw, set()).add(run.streams.get(stream_id))
        if run.has_read_through(stream_id):
            read_through.add(run.draw)
    down = {
        draw
        for draw, found in states.items()
        if IngestState.DOWN in found and IngestState.LIVE not in found
    }
    draws = {tick: draws_of_tick(tick, calendar) for tick in ticks}
    return IngestTicks(
        frozenset(tick for tick in ticks if not down.isdisjoint(draws[tick])),
        frozenset(tick for tick in ticks if read_through.issuperset(draws[tick])),
    )


def draws_of_tick(tick: int, calendar: Calendar) -> range:
    """The draws that a tick lies in."""
    start_s = tick * calendar.sweep_seconds
    last_s = start_s + calendar.sweep_seconds - 1
    return range(calendar.draw_at(start_s), calendar.draw_at(last_s) + 1)
