"""Sweeps: layouts, rosters, sweeps and their hourly roll-ups."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from coordinator.adapters.records.base import Records, expiry
from coordinator.adapters.store import Fields, Query, Ref, Store
from coordinator.polling.rollups import Rollup, rollup_id
from coordinator.polling.rosters import Roster, roster_id
from coordinator.polling.shards import Layout, Layouts
from coordinator.polling.sweeps import Sweep, SweepBits, shard_tick, sweep_id

ROSTER_VERSION = 1
_LAYOUTS = Ref("layouts", "sweeps")


class SweepRecords(Records):
    """Documents of `layouts`, `rosters` and `rollups`, and the sweeps."""

    def __init__(self, store: Store, shards: int = 1) -> None:
        super().__init__(store, shards)
        self._rosters: dict[int, Roster] = {}
        """The last one read of each shard."""

    async def layouts(self) -> Layouts:
        """How the nodes are and were divided into shards."""
        return Layouts.from_fields((await self._store.get(_LAYOUTS))[0])

    async def call_shard(self, caller: int, callers: int, tick: int) -> Layouts:
        """The layouts after a call of shard `caller` of `callers`, written if it changed them."""
        found = Layouts()

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            nonlocal found
            before = Layouts.from_fields(read[0])
            found = before.after_call(caller, callers, tick)
            return {} if found is before else {_LAYOUTS: found.to_fields()}

        await self._store.transact([_LAYOUTS], decide)
        return found

    async def roster(self, shard: int, version: int = ROSTER_VERSION) -> Roster:
        """A shard's roster; an empty one before the first node."""
        (fields,) = await self._store.get(Ref("rosters", roster_id(shard, version)))
        return Roster.from_fields(fields) if fields else Roster(shard, version, 0.0)

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
        await self._store.put(Ref("rosters", roster.id), roster.to_fields())

    async def replace_roster(
        self, roster: Roster, before: Roster, closed_s: float | None = None
    ) -> Roster | None:
        """Writes `roster` over `before`, its next revision; None if that was changed meanwhile.

        Two instances that sweep at once would else give one slot to two nodes. One that was
        closed stays as long as the sweeps that go by it."""
        ref = Ref("rosters", roster.id)
        revised = replace(roster, revision=before.revision + 1)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            stored = read[0]["revision"] if read[0] else 0
            ending = {} if closed_s is None else {"expire_at": expiry(closed_s)}
            return {ref: {**revised.to_fields(), **ending}} if stored == before.revision else {}

        return revised if await self._store.transact([ref], decide) else None

    async def has_sweep(self, shard: int, tick: int) -> bool:
        """Whether this sweep is recorded already."""
        return (await self._store.get(Ref("probe_results", sweep_id(shard, tick))))[0] is not None

    async def create_sweep(self, sweep: Sweep, now_s: float) -> bool:
        """False if another trigger recorded it first."""
        fields = {**sweep.to_fields(), "recorded_s": now_s, "expire_at": expiry(now_s)}
        return await self._store.create(Ref("probe_results", sweep.id), fields)

    async def latest_sweeps(self) -> list[Sweep]:
        """The last sweep of each shard, as far as they are among the newest documents.

        One read a shard, unless some shard is late."""
        latest: dict[int, Fields] = {}
        for limit in (self._shards, 3 * self._shards):
            found = await self._store.find(
                Query("probe_results", "sweep_tick", descending=True, limit=limit)
            )
            for _, fields in found:
                latest.setdefault(fields["shard"], fields)
            if len(latest) >= self._shards or len(found) < limit:
                break
        return [Sweep.from_fields(fields) for fields in latest.values()]

    async def last_sweep_of(self, shard: int, ticks: range) -> Sweep | None:
        """The last sweep of one shard within the ticks. One read."""
        found = await self._store.find(
            Query(
                "probe_results",
                "shard_tick",
                at_least=shard_tick(shard, ticks.start),
                below=shard_tick(shard, ticks.stop),
                descending=True,
                limit=1,
            )
        )
        return Sweep.from_fields(found[0][1]) if found else None

    async def sweeps(self, ticks: range) -> list[Sweep]:
        """Every shard's whole sweeps in the ticks, oldest first."""
        found = await self._range("sweep_tick", ticks.start, ticks.stop)
        return [Sweep.from_fields(fields) for fields in found]

    async def first_swept(self, ticks: range) -> int | None:
        """The first of the ticks in which anything was swept. One read."""
        found = await self._store.find(
            Query("probe_results", "sweep_tick", at_least=ticks.start, below=ticks.stop, limit=1)
        )
        return int(found[0][1]["sweep_tick"]) if found else None

    async def sweep_documents(self, ticks: range) -> list[Fields]:
        """The sweeps of the ticks as they are stored."""
        return await self._range("sweep_tick", ticks.start, ticks.stop)

    async def sweep_bits_of(self, shard: int, ticks: range) -> list[SweepBits]:
        """The bitmaps of one shard's sweeps in the ticks, at most FIND_LIMIT_MAX, oldest first."""
        found = await self._store.find(
            Query(
                "probe_results",
                "shard_tick",
                at_least=shard_tick(shard, ticks.start),
                below=shard_tick(shard, ticks.stop),
            )
        )
        return [SweepBits.from_fields(fields) for _, fields in found]

    async def has_rollup(self, shard: int, hour: int) -> bool:
        """Whether an hour of a shard is rolled up already."""
        return (await self._store.get(Ref("rollups", rollup_id(shard, hour))))[0] is not None

    async def create_rollup(self, rollup: Rollup, now_s: float) -> bool:
        """False if another instance wrote it first."""
        fields = {**rollup.to_fields(), "expire_at": expiry(now_s)}
        return await self._store.create(Ref("rollups", rollup.id), fields)

    async def rollups_of(self, shard: int, hours: range) -> list[Rollup | None]:
        """A shard's roll-ups of the hours, in their order; None where there is none."""
        found = await self._store.get(*(Ref("rollups", rollup_id(shard, hour)) for hour in hours))
        return [Rollup.from_fields(fields) if fields else None for fields in found]

    async def rollups(self, hours: range) -> list[Rollup]:
        """Every shard's roll-ups of the hours, oldest first, at most FIND_LIMIT_MAX."""
        found = await self._store.find(
            Query("rollups", "rollup_hour", at_least=hours.start, below=hours.stop)
        )
        return [Rollup.from_fields(fields) for _, fields in found]

    async def sweep_bits(self, ticks: range) -> list[SweepBits]:
        """The bitmaps of every shard's sweeps in the ticks."""
        found = await self._range("sweep_tick", ticks.start, ticks.stop)
        return [SweepBits.from_fields(fields) for fields in found]

    async def rosters_of(
        self, sweeps: Iterable[SweepBits], ticks: range | None = None
    ) -> dict[tuple[int, int], Roster]:
        """Every roster that the sweeps speak of; with `ticks`, every one in force in them.

        A shard that was not swept at all has a roster too: its minutes are our fault."""
        measured = list(sweeps)
        wanted = {(sweep.shard, sweep.roster_version) for sweep in measured}
        if ticks is not None:
            for layout, part in (await self.layouts()).within(ticks):
                swept = {sweep.shard for sweep in measured if sweep.tick in part}
                for shard in set(range(layout.shards)) - swept:
                    wanted.add((shard, await self._version_before(shard, layout, part.stop)))
        found: dict[tuple[int, int], Roster] = {}
        while wanted := wanted - found.keys():
            read = [await self.roster(*key) for key in sorted(wanted)]
            found |= {(roster.shard, roster.version): roster for roster in read}
            if ticks is not None:  # what took over from these, in case it was never swept
                ends = ((roster.shard, roster.until_tick) for roster in read)
                wanted = {(shard, end) for shard, end in ends if end is not None and end in ticks}
        return found

    async def _version_before(self, shard: int, layout: Layout, tick: int) -> int:
        """The version that a shard's last sweep before a tick went by, or its first."""
        last = await self.last_sweep_of(shard, range(layout.from_tick, tick))
        return last.roster_version if last else layout.from_tick
