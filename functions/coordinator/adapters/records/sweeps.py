"""Sweeps: rosters, sweeps and their hourly roll-ups."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from coordinator.adapters.records.ranges import Records, expiry
from coordinator.adapters.store.protocol import Fields, Query, Ref, Store, decided
from coordinator.sweeping.packed_rosters import ALL_SLOTS, ROSTERS, PackedRoster
from coordinator.sweeping.rollups import ROLLUPS, Rollup, rollup_id
from coordinator.sweeping.rosters import Roster, roster_id
from coordinator.sweeping.shards import Shard, all_of
from coordinator.sweeping.sweeps import (
    SWEEP_BITS,
    SWEEPS,
    Sweep,
    SweepBits,
    newest_of,
    shard_tick,
    sweep_id,
)


class SweepRecords(Records):
    """Documents of `rosters` and `rollups`, and the sweeps."""

    def __init__(self, store: Store, shards: int = 1, partitions: int = 1) -> None:
        super().__init__(store, shards, partitions)
        self._rosters: dict[Shard, Roster] = {}
        """The last one read of each shard."""

    async def roster(self, shard: Shard, version: int, places: slice = ALL_SLOTS) -> Roster:
        """A shard's roster; an empty one, its revision 0, before the first node.

        Of its slots those at `places` alone: to make them takes most of the time."""
        (fields,) = await self._store.get(Ref("rosters", roster_id(shard, version)))
        return _roster_from(fields, shard, version, places)

    async def roster_of(self, sweep: Sweep) -> Roster:
        """The roster that a sweep goes by, read again only if it was written since."""
        known = self._rosters.get(sweep.shard)
        version, revision = sweep.roster_version, sweep.roster_revision
        is_before = known is not None and (known.version, known.revision) == (version, revision - 1)
        if known is not None and is_before and sweep.changes:
            known = known.changed_by(sweep.changes, revision)
        if known is None or not revision or (known.version, known.revision) != (version, revision):
            known = await self.roster(sweep.shard, version)
        self._rosters[sweep.shard] = known
        return known

    async def put_roster(self, roster: Roster) -> None:
        """Only the collector of its shard calls this."""
        await self._store.put(Ref("rosters", roster.id), _fields_of(roster))

    async def replace_roster(self, roster: Roster, before: Roster) -> Roster | None:
        """Writes `roster` over `before`, its next revision; None if that was changed meanwhile.

        Two instances that sweep at once would else give one slot to two nodes."""
        ref = Ref("rosters", roster.id)
        revised = replace(roster, revision=before.revision + 1)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            stored = _roster_from(read[0], roster.shard, roster.version)
            return {ref: _fields_of(revised)} if stored.revision == before.revision else {}

        return revised if await self._store.transact([ref], decide) else None

    async def succeed_roster(self, roster: Roster, before: Roster, now_s: float) -> Roster | None:
        """Closes `before`, and puts the compacted `roster` in its place from that tick on.

        Both at once, so that who is due always stands on one of them and never on two. None if
        `before` was changed meanwhile. A closed one stays as long as the sweeps that go by it."""
        new, old = Ref("rosters", roster.id), Ref("rosters", before.id)
        revised = replace(roster, revision=1)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            stored = ROSTERS.decode_or_none(read[0])
            if stored is None or stored.revision != before.revision:
                return {}
            return {
                old: _closed_fields(_closed(before, roster.version), now_s),
                new: _fields_of(revised),
            }

        return revised if await self._store.transact([old, new], decide) else None

    async def close_roster(self, shard: Shard, version: int, tick: int, now_s: float) -> Roster:
        """Closes what goes by this name, or what it was compacted to, from `tick` on.

        The roster as it is then; one that was closed before stays as it is."""
        while True:
            roster = await self._close(shard, version, tick, now_s)
            end = roster.next_version
            if end is None or not (await self.roster(shard, end)).revision:
                return roster
            version = end

    async def _close(self, shard: Shard, version: int, tick: int, now_s: float) -> Roster:
        ref = Ref("rosters", roster_id(shard, version))

        def decide(read: Sequence[Fields | None]) -> tuple[Roster, dict[Ref, Fields]]:
            found = _roster_from(read[0], shard, version)
            if found.until_tick is not None:
                return found, {}
            closed = _closed(found, tick)
            return closed, {ref: _closed_fields(closed, now_s)}

        return await decided(self._store, [ref], decide)

    async def has_sweep(self, shard: Shard, tick: int) -> bool:
        """Whether this sweep is recorded already."""
        return (await self._store.get(Ref("probe_results", sweep_id(shard, tick))))[0] is not None

    async def create_sweep(self, sweep: Sweep, now_s: float) -> bool:
        """False if another trigger recorded it first."""
        fields = {**SWEEPS.encode(sweep), "recorded_s": now_s, "expire_at": expiry(now_s)}
        return await self._store.create(Ref("probe_results", sweep.id), fields)

    async def latest_sweeps(self) -> list[Sweep]:
        """The last sweep of each shard, as far as they are among the newest documents.

        One read a shard, unless some shard is late or SHARDS is not what the collector has."""
        limit = self._shards
        for _ in range(2):
            found = await self._store.find(
                Query("probe_results", "sweep_tick", descending=True, limit=limit)
            )
            latest = newest_of(SWEEPS.decode(fields) for _, fields in found)
            if len(found) < limit or len(latest) >= latest[0].shard.count:
                break
            limit = 3 * max(self._shards, latest[0].shard.count)
        return latest

    async def last_sweep(self, before_tick: int) -> SweepBits | None:
        """The last sweep of whatever shard before a tick, its bitmaps. One read."""
        found = await self._store.find(
            Query("probe_results", "sweep_tick", below=before_tick, descending=True, limit=1)
        )
        return SWEEP_BITS.decode(found[0][1]) if found else None

    async def last_sweep_of(self, shard: Shard, ticks: range) -> Sweep | None:
        """The last sweep of one shard within the ticks. One read."""
        query = replace(_sweeps_of(shard, ticks), descending=True, limit=1)
        found = await self._store.find(query)
        return SWEEPS.decode(found[0][1]) if found else None

    async def sweeps(self, ticks: range) -> list[Sweep]:
        """Every shard's whole sweeps in the ticks, oldest first."""
        found = await self._range("sweep_tick", ticks.start, ticks.stop)
        return [SWEEPS.decode(fields) for fields in found]

    async def first_swept(self, ticks: range) -> int | None:
        """The first of the ticks in which anything was swept. One read."""
        found = await self._store.find(
            Query("probe_results", "sweep_tick", at_least=ticks.start, below=ticks.stop, limit=1)
        )
        return SWEEP_BITS.decode(found[0][1]).tick if found else None

    async def sweep_bits_of(self, shard: Shard, ticks: range) -> list[SweepBits]:
        """The bitmaps of one shard's sweeps in the ticks, at most FIND_LIMIT_MAX, oldest first."""
        found = await self._store.find(_sweeps_of(shard, ticks))
        return [SWEEP_BITS.decode(fields) for _, fields in found]

    async def has_rollup(self, shard: Shard, hour: int) -> bool:
        """Whether an hour of a shard is rolled up already."""
        return (await self._store.get(Ref("rollups", rollup_id(shard, hour))))[0] is not None

    async def create_rollup(self, rollup: Rollup, now_s: float) -> bool:
        """False if another instance wrote it first."""
        fields = {**ROLLUPS.encode(rollup), "expire_at": expiry(now_s)}
        return await self._store.create(Ref("rollups", rollup.id), fields)

    async def rollups_of(self, shard: Shard, hours: range) -> list[Rollup | None]:
        """A shard's roll-ups of the hours, in their order; None where there is none."""
        found = await self._store.get(*(Ref("rollups", rollup_id(shard, hour)) for hour in hours))
        return [ROLLUPS.decode_or_none(fields) for fields in found]

    async def rollups(self, hours: range) -> list[Rollup]:
        """Every shard's roll-ups of the hours, oldest first, at most FIND_LIMIT_MAX."""
        found = await self._store.find(
            Query("rollups", "rollup_hour", at_least=hours.start, below=hours.stop)
        )
        return [ROLLUPS.decode(fields) for _, fields in found]

    async def sweep_bits(self, ticks: range) -> list[SweepBits]:
        """The bitmaps of every shard's sweeps in the ticks."""
        found = await self._range("sweep_tick", ticks.start, ticks.stop)
        return [SWEEP_BITS.decode(fields) for fields in found]

    async def rosters_of(
        self, sweeps: Iterable[SweepBits], ticks: range | None = None
    ) -> dict[tuple[Shard, int], Roster]:
        """Every roster that the sweeps speak of; with `ticks`, every one in force in them. Those
        on which nobody stands are left out.

        A shard that was not swept at all has a roster too: its minutes are our fault."""
        measured = list(sweeps)
        wanted = {(sweep.shard, sweep.roster_version) for sweep in measured}
        if ticks is not None:
            last = await self.last_sweep(before_tick=ticks.start)
            wanted |= await self._unswept([last] if last else [], measured, ticks.stop)
            wanted |= await self._unswept(measured, measured, ticks.stop)
        found: dict[tuple[Shard, int], Roster] = {}
        while wanted := wanted - found.keys():
            read = [await self.roster(*key) for key in sorted(wanted)]
            found |= {(roster.shard, roster.version): roster for roster in read if roster.slots}
            ends = ((roster.shard, roster.next_version) for roster in read)
            # What took over from these, in case it was never swept.
            wanted = {(s, end) for s, end in ends if end is not None and ticks and end in ticks}
        return found

    async def _unswept(
        self, named: Iterable[SweepBits], measured: Sequence[SweepBits], tick: int
    ) -> set[tuple[Shard, int]]:
        """Rosters, as they stood before a tick, of shards that nobody swept though others of
        the same division were."""
        swept = {(sweep.shard, sweep.since_tick) for sweep in measured}
        divisions = {(sweep.shard.count, sweep.since_tick) for sweep in named}
        found = set()
        for count, since_tick in sorted(divisions):
            for shard in all_of(count):
                if (shard, since_tick) not in swept:
                    last = await self.last_sweep_of(shard, range(since_tick, tick))
                    found.add((shard, last.roster_version if last else since_tick))
        return found


def _sweeps_of(shard: Shard, ticks: range) -> Query:
    first, end = shard_tick(shard, ticks.start), shard_tick(shard, ticks.stop)
    return Query("probe_results", "shard_tick", at_least=first, below=end)


def _fields_of(roster: Roster) -> Fields:
    return ROSTERS.encode(PackedRoster.of(roster))


def _roster_from(
    fields: Fields | None, shard: Shard, version: int, places: slice = ALL_SLOTS
) -> Roster:
    found = ROSTERS.decode_or_none(fields)
    return found.roster(places) if found else Roster(shard, version, 0.0)


def _closed(roster: Roster, tick: int) -> Roster:
    return replace(roster, until_tick=tick, revision=roster.revision + 1)


def _closed_fields(closed: Roster, now_s: float) -> Fields:
    return {**_fields_of(closed), "expire_at": expiry(now_s)}
