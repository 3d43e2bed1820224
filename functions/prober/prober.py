"""One prober run: everything that is due in one draw, recorded when it is over.

Longer than other modules: the steps of a run share what it began with.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.media.rtmp_reference import Reference, ReferencePool
from coordinator.adapters.records import Measurements
from coordinator.checking.checks import RETURN_S, Check, Control, IngestState, Run
from coordinator.checking.lengths import LONGEST_S, RECORD_AFTER_S
from coordinator.checking.lottery import Lottery, day_of
from coordinator.checking.partitions import UNDIVIDED, Partition
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import SWEEP_AGE_TICKS_MAX, Sweep
from prober.alarms import raise_alarms
from prober.checker import Checker
from prober.docket import Docket
from prober.draw_checks import DrawChecks, Made, checks_of, in_time, unknown
from prober.draws import Due, candidates, due_in, frauds_among
from prober.late_checks import LOOKS_EVERY_S, LateCheck, LateChecks, with_late
from prober.leavers import as_explained
from prober.list_keeper import ListKeeper
from prober.missed_draws import MissedDraws
from prober.pictures import Pictures
from prober.run_summary import summary_of
from prober.sealer import Sealer
from prober.stream_references import StreamReferences
from rtmp.addresses import RtmpAddress

ATTENDED_SHARE = 1 / 12
"""Of a draw, behind its end: the scheduler's calls come some seconds late."""


@dataclass
class Prober:
    """Runs draws. A duplicate trigger repeats nothing: the first to claim a draw runs it."""

    measurements: Measurements
    references: ReferencePool
    checker: Checker
    sealer: Sealer
    calendar: Calendar
    ingest_url: str
    pictures: Pictures
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    log: Log
    partition: Partition = UNDIVIDED
    """Whose nodes it checks; control nodes are everybody's."""
    _missed: MissedDraws = field(init=False)
    _late: LateChecks = field(init=False)
    _finishing: set[asyncio.Task[None]] = field(default_factory=set)
    """The late records of runs that go on."""

    def __post_init__(self) -> None:
        self._missed = MissedDraws(self.measurements, self.calendar, self.partition)
        self._late = LateChecks(self.calendar, self.clock, self.sleep)

    async def run(self) -> dict[str, Any]:
        """Runs the present draw unless that was begun before; says what came of it."""
        started_s = self.clock()
        draw = self.calendar.draw_at(started_s)
        if not await self.measurements.claim_run(draw, started_s, self.partition):
            return {"draw": draw, "result": "duplicate"}
        missed = await self._record_missed(draw)
        sweeps = await self._fresh_sweeps(started_s)
        lottery, controls = await self._sealed(draw)
        slots = await self._candidates(sweeps, controls)
        # Runs overlap by one: what the one before the last recorded is all that there is.
        book = await self.measurements.trust_since(draw - 2, self.partition)
        due = due_in(draw, slots, book, lottery, self.calendar.sweep_seconds, controls)
        begun = Run(
            draw,
            started_s,
            started_s,
            tuple(sweep.id for sweep in sweeps),
            {},
            (),
            frauds_among(slots, book),
            _among(slots, controls),
            self.partition.number,
            self.partition.count,
        )
        lists = ListKeeper(self.measurements, self.clock, self.log, book, controls, self.partition)
        docket = Docket(self.measurements, self.clock, self.log, begun, lists)
        async with AsyncExitStack() as stack:
            references = stack.enter_context(self._open(slots))
            making = self._making(due, draw, references, docket)
            checks = await stack.enter_async_context(making)
            recorded = await self._record_first(checks, references, docket)
            self._missed.record(recorded)
            if recorded.put_off:
                docket.recorded(recorded, await self.measurements.trust_since(draw, self.partition))
                self._finish_later(stack.pop_all(), recorded, checks, docket)
        return {**summary_of(recorded, len(slots)), "missed": missed}

    async def _record_first(
        self,
        checks: DrawChecks,
        references: dict[str, Reference],
        docket: Docket,
    ) -> Run:
        """Records what is over soon after the draw, with its pictures; lists are told meanwhile.

        The record tells them itself: of what comes later the second part's does."""
        begun = docket.run
        ends_s = (begun.draw + 1) * self.calendar.check_seconds
        picturing = asyncio.create_task(self.pictures.of_streams(begun.draw, references))
        try:
            made = await checks.over_by(ends_s + RECORD_AFTER_S)
            await docket.lists.look()
            if checks.put_off:
                await docket.put_off([checks.due[node_id] for node_id in checks.put_off])
            made = await self.pictures.added_to(made, await picturing, self.checker.pictures)
        finally:
            picturing.cancel()  # only if the checks did not come so far
        if references:  # of what nobody may be up for nothing is told as the draw ends
            await self.sleep(max(0.0, ends_s - self.clock()))
        streams = {name: self._state(reference) for name, reference in references.items()}
        run = replace(
            begun,
            streams=streams,
            put_off=checks.put_off,
            interrupted=self._interrupted(begun.draw, references),
        )
        return await self._record_with(run, docket, made)

    async def _record_with(self, run: Run, docket: Docket, made: list[Check]) -> Run:
        """A run's first record, with what is over of those before it."""
        late = self._late.for_record(run.draw)
        told = set(docket.lists.told).union(*(each.docket.lists.told for each in late))
        checks = [*docket.dated(made), *_dated(late)]
        recorded = await self._record(with_late(run, late), checks, told)
        self._late.recorded(run.draw, late if recorded else ())
        return recorded or replace(run, ended_s=self.clock(), checks=tuple(made))

    async def _record(
        self, run: Run, made: Iterable[Check], told: Collection[str] | None = None
    ) -> Run | None:
        """The run with its checks, as it is on record; None if it was before."""
        ended_s = self.clock()
        checks = tuple(in_time(made, ended_s, self.calendar))
        ended = replace(run, ended_s=ended_s, checks=checks)
        recorded = await self.measurements.record_run(ended, self.clock(), told)
        raise_alarms(recorded or ended, self.log)
        return recorded

    def _finish_later(
        self,
        opened: AsyncExitStack,
        first: Run,
        checks: DrawChecks,
        docket: Docket,
    ) -> None:
        """Has the rest recorded when it is over; the caller of this run does not wait for it."""
        ends_s = (first.draw + 1) * self.calendar.check_seconds
        self._late.begin(first.draw)

        async def finish() -> None:
            async with opened:
                async for rest in checks.rest(ends_s + LONGEST_S, first.draw):
                    made = await self.pictures.added_to(rest, frozenset(), self.checker.pictures)
                    self._late.add(first, docket, made)
                await docket.store()
            if late := await self._late.left(first.draw):
                await self._record_late(with_late(first, late), _dated(late))
                self._late.recorded(first.draw, late)

        def ended(task: asyncio.Task[None]) -> None:
            self._finishing.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                self.log.failure(LogEvent.LATE_CHECKS_NOT_RECORDED, error, draw=first.draw)

        task = asyncio.create_task(finish())
        self._finishing.add(task)
        task.add_done_callback(ended)

    async def _record_late(self, first: Run, made: list[Check]) -> None:
        """Where control nodes put the first part in doubt, the trust book voids this too."""
        await self._record(replace(first, is_late=True, put_off=()), made)

    async def attend(self, draw: int) -> None:
        """Returns when the call of the next draw has come, or as soon as nothing goes on.

        Only while it is called does this process have a processor (docs/adr/0093): checks that are
        put off, and references that hear their stream, need one all the time."""
        seconds = self.calendar.check_seconds
        until_s = (draw + 1) * seconds + seconds * ATTENDED_SHARE
        while self._goes_on() and (left_s := until_s - self.clock()) > 0:
            await self.sleep(min(left_s, LOOKS_EVERY_S))

    def _goes_on(self) -> bool:
        return bool(self._finishing) or self.references.is_hearing()

    async def finished(self) -> None:
        """Returns when everything that was put off is on record."""
        await asyncio.gather(*self._finishing, return_exceptions=True)

    async def _record_missed(self, draw: int) -> int:
        """Records draws that no run recorded, or not to their end; says how many.

        What was stored of them counts. Every other check that was due is `unknown`."""
        recorded = 0
        try:
            book = await self.measurements.trust_since(draw - 2, self.partition)
            async for first, left in self._missed.unfinished(draw, book):
                claim = await self.measurements.claim_of(first.draw, self.partition)
                made = claim.made if claim else ()
                await self._record_late(first, [c for c in made if c.node_id in left])
                recorded += 1
            async for missed, sweeps in self._missed.before(draw):
                await self._record_unrun(missed, sweeps)
                recorded += 1
        except Exception as error:  # the next run tries again: this draw is not to be lost too
            self.log.failure(LogEvent.MISSED_DRAWS_NOT_RECORDED, error, draw=draw)
        return recorded

    async def _record_unrun(self, draw: int, sweeps: list[Sweep]) -> None:
        """Who was due is taken from the sweeps of that time: those that its run went by, if any."""
        claim = await self.measurements.claim_of(draw, self.partition)
        made = {check.node_id: check for check in claim.made} if claim else {}
        if claim and claim.sweep_ids:
            sweeps = await self._missed.sweeps_of(draw, claim.sweep_ids)
        lottery, controls = await self._sealed(draw)
        slots = await self._candidates(sweeps, controls)
        book = await self.measurements.trust_of(self.partition)
        due = due_in(draw, slots, book, lottery, self.calendar.sweep_seconds, controls)
        start_s = float(draw * self.calendar.check_seconds)
        run = Run(
            draw,
            start_s,
            start_s,
            tuple(sweep.id for sweep in sweeps),
            {},
            tuple(unknown(one, draw, Reason.UNKNOWN_NOT_RUN) for one in due),
            frauds_among(slots, book),
            _among(slots, controls),
            self.partition.number,
            self.partition.count,
        )
        if not made:
            await self.measurements.record_run(run, self.clock())
            return
        unmade = (check for check in run.checks if check.node_id not in made)
        await self._record(run, [*made.values(), *unmade])

    async def _fresh_sweeps(self, now_s: float) -> list[Sweep]:
        oldest = self.calendar.tick_at(now_s) - SWEEP_AGE_TICKS_MAX
        return [s for s in await self.measurements.latest_sweeps() if s.tick >= oldest]

    async def _candidates(self, sweeps: list[Sweep], controls: Mapping[str, Control]) -> list[Slot]:
        found = candidates(sweeps, await self._rosters(sweeps))
        mine = self.partition.holds
        return [slot for slot in found if mine(slot.node_id) or slot.node_id in controls]

    async def _rosters(self, sweeps: Iterable[Sweep]) -> dict[Shard, Roster]:
        return {sweep.shard: await self.measurements.roster_of(sweep) for sweep in sweeps}

    async def _sealed(self, draw: int) -> tuple[Lottery, Mapping[str, Control]]:
        """(the lottery, the control nodes) of the draw's day, as it was sealed."""
        day = day_of(draw, self.calendar.check_seconds)
        lottery = await self.sealer.lottery(self.clock(), day)
        return lottery, self.sealer.controls_of(day)

    def _open(self, slots: Iterable[Slot]) -> StreamReferences:
        names = sorted({slot.stream_id for slot in slots})
        addresses = {name: RtmpAddress.parse(f"{self.ingest_url}/{name}") for name in names}
        return StreamReferences(self.references, addresses)

    @asynccontextmanager
    async def _making(
        self, due: list[Due], draw: int, references: dict[str, Reference], docket: Docket
    ) -> AsyncIterator[DrawChecks]:
        """Every check that is due."""
        ingest = self.checker.ingest_checks()
        ingest.begin(due, references)

        begins_s = draw * self.calendar.check_seconds

        async def check(one: Due) -> Made:
            reference = references[one.slot.stream_id]
            try:
                found = await self.checker.check(one, draw, reference, ingest)
                made = await as_explained(self.measurements, found, begins_s)
            except Exception as error:  # one check's error must not lose the others'
                self.log.failure(LogEvent.CHECK_FAILED, error, node_id=one.slot.node_id)
                made = Made(unknown(one, draw, Reason.UNKNOWN_INTERNAL))
            if not made.is_spared:
                docket.add(made.check)
            return made

        watching = asyncio.create_task(docket.watch())
        try:
            async with checks_of(due, check, self.clock) as checks:
                yield checks
        finally:
            watching.cancel()
            await ingest.close()

    def _state(self, reference: Reference) -> IngestState:
        now_s = self.clock()
        if reference.is_live(now_s):
            return IngestState.LIVE
        return IngestState.DOWN if reference.is_silent(now_s) else IngestState.UNKNOWN

    def _interrupted(self, draw: int, references: Mapping[str, Reference]) -> tuple[str, ...]:
        """The streams that could not be read all the time: who waited for them is not to blame."""
        since_s, now_s = draw * self.calendar.check_seconds - RETURN_S, self.clock()
        return tuple(n for n, one in references.items() if not one.was_live(since_s, now_s))


def _dated(late: Iterable[LateCheck]) -> list[Check]:
    return [check for each in late for check in each.docket.dated([each.check])]


def _among(slots: Iterable[Slot], controls: Mapping[str, Control]) -> dict[str, Control]:
    return {slot.node_id: controls[slot.node_id] for slot in slots if slot.node_id in controls}
