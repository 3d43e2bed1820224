"""One prober run: everything that is due in one draw, recorded as one document."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log
from coordinator.adapters.records import Measurements
from coordinator.adapters.rtmp_reference import Reference, ReferencePool
from coordinator.checks import Check, IngestState, Run, Verdict
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from coordinator.rosters import Slot
from coordinator.rtmp import RtmpAddress
from coordinator.schedule import Lottery, day_of, day_secret
from coordinator.sweeps import Sweep
from prober.checking import Checker
from prober.drawing import Due, candidates, due_in

SWEEP_AGE_TICKS_MAX = 3
"""An older sweep says nothing about now: nobody is a candidate by it."""


@dataclass
class Prober:
    """Runs draws. A duplicate trigger repeats nothing: the first to claim a draw runs it."""

    measurements: Measurements
    references: ReferencePool
    checker: Checker
    calendar: Calendar
    lottery_key: str
    checks_per_hour: int
    ingest_url: str
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    log: Log

    async def run(self) -> dict[str, Any]:
        """Runs the present draw unless that was begun before; says what came of it."""
        started_s = self.clock()
        draw = self.calendar.draw_at(started_s)
        if not await self.measurements.claim_run(draw, started_s):
            return {"draw": draw, "result": "duplicate"}
        sweeps = await self._fresh_sweeps(started_s)
        rosters = {s.shard: await self.measurements.roster(s.shard) for s in sweeps}
        book = await self.measurements.trust()
        slots = candidates(sweeps, rosters)
        due = due_in(draw, slots, book, self._lottery(draw))
        with self._open(slots) as references:
            checks = await self._check_all(due, draw, references)
            await self.sleep(max(0.0, (draw + 1) * self.calendar.check_seconds - self.clock()))
            streams = {name: self._state(ref) for name, ref in references.items()}
        run = Run(
            draw, started_s, self.clock(), tuple(s.id for s in sweeps), streams, tuple(checks)
        )
        recorded = await self.measurements.record_run(run, self.clock())
        return _summary(recorded or run, len(slots))

    async def _fresh_sweeps(self, now_s: float) -> list[Sweep]:
        oldest = self.calendar.tick_at(now_s) - SWEEP_AGE_TICKS_MAX
        return [s for s in await self.measurements.latest_sweeps() if s.tick >= oldest]

    def _lottery(self, draw: int) -> Lottery:
        secret = day_secret(self.lottery_key, day_of(draw, self.calendar.check_seconds))
        return Lottery(secret, self.calendar.check_seconds, self.checks_per_hour)

    def _open(self, slots: Iterable[Slot]) -> "_References":
        names = sorted({slot.stream_id for slot in slots})
        addresses = {name: RtmpAddress.parse(f"{self.ingest_url}/{name}") for name in names}
        return _References(self.references, addresses)

    async def _check_all(
        self, due: list[Due], draw: int, references: dict[str, Reference]
    ) -> list[Check]:
        async def check(one: Due) -> Check:
            try:
                return await self.checker.check(one, draw, references[one.slot.stream_id])
            except Exception as error:  # one check's error must not lose the others'
                self.log.failure("check_failed", error, node_id=one.slot.node_id)
                return Check(
                    one.slot.node_id,
                    one.slot.stream_id,
                    draw,
                    one.due_s,
                    Verdict.UNKNOWN,
                    Reason.UNKNOWN_INTERNAL,
                    burst=one.burst,
                )

        return list(await asyncio.gather(*(check(one) for one in due)))

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
