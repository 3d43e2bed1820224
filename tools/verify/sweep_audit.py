"""What sweeps and rosters say that cannot be, beside each other. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from coordinator.epochs import Calendar
from coordinator.sweeping.polls import Outcome
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import SweepBits, not_up_after
from tools.verify.check_audit import Rosters

SWEEP_S_MAX = 60.0
"""A sweep belongs to its minute: the collector is given less than so long to write it."""


def sweep_findings(
    sweeps: Iterable[SweepBits], rosters: Rosters, calendar: Calendar
) -> Iterator[str]:
    """Sweeps dated when nobody can have written them, and polls of who was not to be polled."""
    stands = {key: _Standing(roster) for key, roster in rosters.items()}
    for sweep in sweeps:
        where = f"sweep {sweep.tick} of {sweep.shard}"
        starts_s = sweep.tick * calendar.sweep_seconds
        latest_s = starts_s + calendar.sweep_seconds + SWEEP_S_MAX
        if not starts_s <= sweep.recorded_s <= latest_s:
            yield f"{where} is dated {sweep.recorded_s - starts_s:.0f} s after it began"
        if _is_ambiguous(sweep):
            yield f"{where} has polls with no outcome, or with two"
        if sweep.not_up_before & ~sweep.unknown:
            yield f"{where} says of polls that were measured how they were before"
        if sweep.waiting & ~sweep.down:
            yield f"{where} says that nodes waited which were not down"
        stand = stands.get((sweep.shard, sweep.roster_version))
        if stand is not None and sweep.probed & ~stand.polled_at(sweep.tick):
            strays = sweep.probed & ~stand.polled_at(sweep.tick)
            names = [s.node_id for at, s in enumerate(stand.roster.slots) if strays >> at & 1]
            yield f"{where} polled {', '.join(names) or 'slots that are empty'}: not on its roster"


def memory_findings(sweeps: Iterable[SweepBits], rosters: Rosters) -> Iterator[str]:
    """Sweeps that say of an unmeasured node that it was up before, or not, against the one before.

    Who was not up is not drawn for a check. A division's first sweep is believed."""
    last: dict[tuple[Shard, int], SweepBits] = {}
    for sweep in sorted(sweeps, key=lambda sweep: sweep.tick):
        before = last.get((sweep.shard, sweep.since_tick))
        last[sweep.shard, sweep.since_tick] = sweep
        if before is None:
            continue
        known, not_up = before.probed, not_up_after(before)
        if before.roster_version != sweep.roster_version:
            known, not_up = _moved([known, not_up], before, sweep, rosters)
        wrong = sweep.unknown & known & (sweep.not_up_before ^ not_up)
        if wrong:
            slots = rosters[sweep.shard, sweep.roster_version].slots
            names = [slot.node_id for at, slot in enumerate(slots) if wrong >> at & 1]
            where = f"sweep {sweep.tick} of {sweep.shard}"
            yield f"{where} does not say how {', '.join(names)} stood in {before.tick}"


def _moved(
    bitmaps: Iterable[int], before: SweepBits, after: SweepBits, rosters: Rosters
) -> list[int]:
    """Bitmaps by slot of the roster before, by slot of the one that it was compacted to."""
    old = rosters[before.shard, before.roster_version].slots
    new = rosters[after.shard, after.roster_version].slots
    # Of a node with two slots on a roster the newer one is polled.
    was = {(slot.node_id, slot.stream_id): at for at, slot in enumerate(old)}
    came = [(at, was.get((slot.node_id, slot.stream_id))) for at, slot in enumerate(new)]
    return [
        sum(1 << at for at, from_ in came if from_ is not None and bits >> from_ & 1)
        for bits in bitmaps
    ]


def _is_ambiguous(sweep: SweepBits) -> bool:
    seen = 0
    for outcome in Outcome:
        bits = getattr(sweep, outcome.value)
        if bits & seen:
            return True
        seen |= bits
    return seen != sweep.probed


@dataclass
class _Standing:
    """Who of a roster is polled in a tick; it changes only when somebody comes or goes."""

    roster: Roster
    _turns: list[int] = field(init=False)
    _masks: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        slots = self.roster.slots
        ticks = {slot.joined_tick for slot in slots}
        ticks |= {slot.left_tick for slot in slots if slot.left_tick is not None}
        self._turns = sorted(ticks)

    def polled_at(self, tick: int) -> int:
        """A bitmap by slot."""
        turn = bisect_right(self._turns, tick)
        if turn not in self._masks:
            polled = (slot.is_polled_at(tick) for slot in self.roster.slots)
            self._masks[turn] = int("".join("01"[p] for p in polled)[::-1] or "0", 2)
        return self._masks[turn]


def roster_findings(rosters: Rosters) -> Iterator[str]:
    """Places that are not the same on two rosters, and nodes seen before they were first seen."""
    for (shard, _), roster in sorted(rosters.items()):
        end = roster.next_version
        after = None if end is None else rosters.get((shard, end))
        if after is not None and end is not None:
            yield from _not_taken_over(roster, after, end)
    first: dict[str, Slot] = {}
    for roster in rosters.values():
        for slot in roster.slots:
            known = first.setdefault(slot.node_id, slot)
            if slot.first_tick > slot.joined_tick:
                yield f"{slot.node_id} stood on {roster.id} before it was first seen"
            if known.first_tick and slot.first_tick and known.first_tick != slot.first_tick:
                yield f"{slot.node_id} was first seen twice: {known.first_tick}, {slot.first_tick}"


def _not_taken_over(before: Roster, after: Roster, tick: int) -> Iterator[str]:
    """Who goes on being polled keeps his place and its date."""
    places = {(slot.node_id, slot.stream_id, slot.joined_tick) for slot in after.slots}
    for slot in before.slots:
        stays = slot.is_polled_at(tick)
        if stays and (slot.node_id, slot.stream_id, slot.joined_tick) not in places:
            yield f"{slot.node_id} joined {before.id} in {slot.joined_tick}, and {after.id} not"
