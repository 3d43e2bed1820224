"""Rolling up an hour of sweeps, once, after the first sweep that is not of it."""

from dataclasses import dataclass, field

from collector.ingest_record import IngestRecord
from coordinator.adapters.records import Measurements
from coordinator.epochs import Calendar
from coordinator.sweeping.rollups import rolled_up
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import Sweep, SweepBits
from coordinator.sweeping.waits import told_s


@dataclass
class Roller:
    """Keeps the bitmaps of the present hour's sweeps, so that they need not be read back."""

    measurements: Measurements
    calendar: Calendar
    ingest: IngestRecord = field(init=False)
    _bits: dict[Shard, list[SweepBits]] = field(default_factory=dict)
    """By shard: what this instance swept, of the last two hours at most."""
    _rolled: dict[Shard, int] = field(default_factory=dict)
    """The last hour that is known to be rolled up, by shard."""

    def __post_init__(self) -> None:
        self.ingest = IngestRecord(self.measurements, self.calendar)

    async def after(self, sweep: Sweep, roster: Roster, last_tick: int, now_s: float) -> bool:
        """Takes a sweep's bitmaps, and writes the roll-up that is due: of the hour before, or
        of the one in which `last_tick` lies, the sweep before this one (0: there was none).

        Whether it is written; another instance may be faster, and it is created once. False while
        it is not known whose fault it is that somebody waited in the hour's last minute."""
        ended = self.calendar.hour_of(sweep.tick) - 1
        if last_tick:  # nothing is swept while the network rests
            ended = min(ended, self.calendar.hour_of(last_tick))
        before = self.calendar.ticks_of_hour(ended)
        kept = [bits for bits in self._bits.get(sweep.shard, []) if bits.tick >= before.start]
        self._bits[sweep.shard] = [*kept, sweep.bits()]
        if self._rolled.get(sweep.shard, -1) >= ended:
            return True
        if await self.measurements.has_rollup(sweep.shard, ended):
            self._rolled[sweep.shard] = ended
            return True
        known = [bits for bits in kept if bits.tick in before]
        if len(known) < len(before):  # another instance swept a part of the hour, or all of it
            known = await self.measurements.sweep_bits_of(sweep.shard, before)
        if not known:
            self._rolled[sweep.shard] = ended
            return True
        waits = [bits.tick for bits in known if bits.waiting]
        if waits and now_s < told_s(max(waits), self.calendar):
            return False
        versions = {bits.roster_version for bits in known} - {roster.version}
        read = [await self.measurements.roster(sweep.shard, each) for each in sorted(versions)]
        rosters = {(each.shard, each.version): each for each in (roster, *read)}
        ingest = await self.ingest.streams(waits, before)
        rollup = rolled_up(sweep.shard, ended, before, rosters, known, ingest)
        await self.measurements.create_rollup(rollup, now_s)
        self._rolled[sweep.shard] = ended
        return True
