"""One prober run: everything that is due in one draw, recorded as one document."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.media.rtmp_reference import Reference, ReferencePool
from coordinator.adapters.records import Measurements
from coordinator.checking.checks import Check, Control, IngestState, Run, Verdict
from coordinator.checking.lottery import day_of
from coordinator.checking.partitions import UNDIVIDED, Partition
from coordinator.checking.trust_book import TrustBook
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import SWEEP_AGE_TICKS_MAX, Sweep
from prober.alarms import raise_alarms
from prober.checker import Checker
from prober.draws import Due, candidates, due_in, frauds_among
from prober.list_keeper import ListKeeper
from prober.missed_draws import MissedDraws
from prober.pictures import Pictures
from prober.sealer import Sealer
from rtmp.addresses import RtmpAddress


@dataclass
class Prober:
    """Runs draws. A duplicate trigger repeats nothing: the first to claim a draw runs it."""

    measurements: Measurements
    references: ReferencePool
    checker: Checker
    sealer: Sealer
    calendar: Calendar
    ingest_url: str
    controls: Mapping[str, Control]
    """Control nodes, by node id."""
    pictures: Pictures
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    log: Log
    partition: Partition = UNDIVIDED
    """Whose nodes it checks; control nodes are everybody's."""
    _missed: MissedDraws = field(init=False)

    def __post_init__(self) -> None:
        self._missed = MissedDraws(self.measurements, self.calendar, self.partition)

    async def run(self) -> dict[str, Any]:
        """Runs the present draw unless that was begun before; says what came of it."""
        started_s = self.clock()
        draw = self.calendar.draw_at(started_s)
        if not await self.measurements.claim_run(draw, started_s, self.partition):
            return {"draw": draw, "result": "duplicate"}
        missed = await self._record_missed(draw)
        sweeps = await self._fresh_sweeps(started_s)
        slots = await self._candidates(sweeps)
        # Runs overlap by one: what the one before the last recorded is all that there is.
        book = await self.measurements.trust_since(draw - 2, self.partition)
        due = await self._due(draw, slots, book)
        with self._open(slots) as references:
            lists = ListKeeper(
                self.measurements, self.clock, self.log, book, self.controls, self.partition
            )
            checks = await self._check_all(due, draw, slots, references, lists)
            await self.sleep(max(0.0, (draw + 1) * self.calendar.check_seconds - self.clock()))
            streams = {name: self._state(ref) for name, ref in references.items()}
        ended_s = self.clock()
        run = Run(
            draw,
            started_s,
            ended_s,
            tuple(sweep.id for sweep in sweeps),
            streams,
            tuple(in_time(checks, ended_s, self.calendar)),
            frauds_among(slots, book),
            self._controls_among(slots),
            self.partition.number,
            self.partition.count,
        )
        recorded = await self.measurements.record_run(run, self.clock(), lists.told) or run
        self._missed.record(draw)
        raise_alarms(recorded, self.log)
        return {**_summary(recorded, len(slots)), "missed": missed}

    def _controls_among(self, slots: Iterable[Slot]) -> dict[str, Control]:
        return {s.node_id: self.controls[s.node_id] for s in slots if s.node_id in self.controls}

    async def _record_missed(self, draw: int) -> int:
        """Records draws that no run recorded, every due check `unknown`; says how many."""
        recorded = 0
        try:
            async for missed, sweeps in self._missed.before(draw):
                await self._record_unrun(missed, sweeps)
                recorded += 1
        except Exception as error:  # the next run tries again: this draw is not to be lost too
            self.log.failure(LogEvent.MISSED_DRAWS_NOT_RECORDED, error, draw=draw)
        return recorded

    async def _record_unrun(self, draw: int, sweeps: list[Sweep]) -> None:
        """Who was due is taken from the sweeps of that time."""
        slots = await self._candidates(sweeps)
        book = await self.measurements.trust_of(self.partition)
        due = await self._due(draw, slots, book)
        start_s = float(draw * self.calendar.check_seconds)
        run = Run(
            draw,
            start_s,
            start_s,
            tuple(sweep.id for sweep in sweeps),
            {},
            tuple(unknown(one, draw, Reason.UNKNOWN_NOT_RUN) for one in due),
            frauds_among(slots, book),
            self._controls_among(slots),
            self.partition.number,
            self.partition.count,
        )
        await self.measurements.record_run(run, self.clock())

    async def _fresh_sweeps(self, now_s: float) -> list[Sweep]:
        oldest = self.calendar.tick_at(now_s) - SWEEP_AGE_TICKS_MAX
        return [s for s in await self.measurements.latest_sweeps() if s.tick >= oldest]

    async def _candidates(self, sweeps: list[Sweep]) -> list[Slot]:
        found = candidates(sweeps, await self._rosters(sweeps))
        mine = self.partition.holds
        return [slot for slot in found if mine(slot.node_id) or slot.node_id in self.controls]

    async def _rosters(self, sweeps: Iterable[Sweep]) -> dict[Shard, Roster]:
        return {sweep.shard: await self.measurements.roster_of(sweep) for sweep in sweeps}

    async def _due(self, draw: int, slots: list[Slot], book: TrustBook) -> list[Due]:
        day = day_of(draw, self.calendar.check_seconds)
        lottery = await self.sealer.lottery(self.clock(), day)
        return due_in(draw, slots, book, lottery, self.calendar.sweep_seconds, self.controls)

    def _open(self, slots: Iterable[Slot]) -> "_References":
        names = sorted({slot.stream_id for slot in slots})
        addresses = {name: RtmpAddress.parse(f"{self.ingest_url}/{name}") for name in names}
        return _References(self.references, addresses)

    async def _check_all(
        self,
        due: list[Due],
        draw: int,
        slots: list[Slot],
        references: dict[str, Reference],
        lists: ListKeeper,
    ) -> list[Check]:
        """Every check that is due, with its picture; lists are told of failures meanwhile."""

        ingest = self.checker.ingest_checks()
        ingest.begin(due, references)

        async def check(one: Due) -> Check:
            reference = references[one.slot.stream_id]
            try:
                done = await self.checker.check(one, draw, reference, ingest)
            except Exception as error:  # one check's error must not lose the others'
                self.log.failure(LogEvent.CHECK_FAILED, error, node_id=one.slot.node_id)
                done = unknown(one, draw, Reason.UNKNOWN_INTERNAL)
            lists.made.append(done)
            return done

        picturing = asyncio.create_task(self.pictures.of_streams(draw, references))
        telling = asyncio.create_task(lists.watch())
        try:
            checks = list(await asyncio.gather(*(check(one) for one in due)))
            await lists.look()
            return await self.pictures.added_to(checks, slots, await picturing)
        finally:
            picturing.cancel()  # only if the checks did not come so far
            telling.cancel()
            await ingest.close()

    def _state(self, reference: Reference) -> IngestState:
        now_s = self.clock()
        if reference.is_live(now_s):
            return IngestState.LIVE
        return IngestState.DOWN if reference.is_silent(now_s) else IngestState.UNKNOWN


class _References:
    """Holds the references of a run's streams open while it lasts."""

    def __init__(self, pool: ReferencePool, addresses: dict[str, RtmpAddress]) -> None:
        self._pool, self._addresses = pool, addresses

    def __enter__(self) -> dict[str, Reference]:
        return {name: self._pool.acquire(address) for name, address in self._addresses.items()}

    def __exit__(self, *_: object) -> None:
        for address in self._addresses.values():
            self._pool.release(address)


def unknown(due: Due, draw: int, reason: Reason) -> Check:
    """A due check that could not be made, by our own fault."""
    slot = due.slot
    return Check(
        slot.node_id,
        slot.stream_id,
        draw,
        due.due_s,
        Verdict.UNKNOWN,
        reason,
        caused_by_s=due.caused_by_s,
    )


def in_time(checks: Iterable[Check], ended_s: float, calendar: Calendar) -> list[Check]:
    """The checks of a run that ended then; one too late for its epoch's statement is `unknown`.

    Pay ignores such a run. Would its checks still flag or clear a node, the two would disagree
    from then on: minutes parked for a flag that is gone are never paid."""
    return [
        replace(check, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_LATE)
        if check.verdict.counts
        and ended_s > calendar.evidence_until_s(calendar.epoch_at(check.due_s))
        else check
        for check in checks
    ]


def _summary(run: Run, candidates_count: int) -> dict[str, Any]:
    verdicts: dict[str, int] = {}
    for check in run.checks:
        verdicts[check.verdict] = verdicts.get(check.verdict, 0) + 1
    events = [f"{check.node_id} {check.event}" for check in run.checks if check.event]
    return {
        "draw": run.draw,
        "result": "run",
        "candidates": candidates_count,
        "checks": verdicts,
        "events": events,
        "streams": dict(run.streams),
        "seconds": round(run.ended_s - run.started_s, 3),
    }
