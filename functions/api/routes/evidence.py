"""The public record: everything that a schedule or a statement can be recomputed from."""

import base64
from datetime import date
from typing import Annotated

from fastapi import FastAPI, Query

from api.http.problems import Problem, ProblemKind, problems
from api.services.services import Services
from api.wire.common import timestamp
from api.wire.evidence import RosterOut, RunOut, RunsOut, ScheduleOut, SlotOut, SweepOut, SweepsOut
from coordinator.adapters.records import Measurements
from coordinator.checking.checks import Run
from coordinator.checking.sealed_days import LotteryDay
from coordinator.documents.bitmaps import bitmap_bytes
from coordinator.sweeping.polls import Outcome
from coordinator.sweeping.rosters import roster_key
from coordinator.sweeping.sweeps import SweepBits, shard_tick

RUNS_PAGE_MAX = 100
CHECKS_PAGE_MAX = 10_000
"""Beyond this a page would be more MiB than a function may answer with."""
_RUNS_FIRST = 10
"""By which a page sees how large the others are; 3 MB of ten thousand nodes at the default rate."""
SWEEPS_PAGE_MAX = 100
Number = Annotated[int, Query(ge=0, lt=10**12)]


def install(app: FastAPI, services: Services) -> None:
    """`/schedule/{day}`, `/runs`, `/sweeps`, `/rosters/{roster_id}`."""

    @app.get("/schedule/{day}", tags=["evidence"], responses=problems(ProblemKind.UNKNOWN_DAY))
    async def get_a_schedule(day: date) -> ScheduleOut:
        """A day's commitment, published before it; after the day the secret that was sealed."""
        (found,) = await services.measurements.lottery_days([day])
        if found is None:
            raise Problem(ProblemKind.UNKNOWN_DAY, f"{day} is not sealed: see today and tomorrow.")
        return schedule_out(found)

    @app.get("/runs", tags=["evidence"], response_model_exclude_unset=True)
    async def list_runs(from_draw: Number, until_draw: Number) -> RunsOut:
        """Every check of the draws from_draw <= n < until_draw, run by run.

        The larger the network, the fewer draws on a page: go on while there is a `next_draw`."""
        draws = range(from_draw, min(until_draw, from_draw + RUNS_PAGE_MAX))
        runs, stop = await _page_of(draws, services.measurements)
        more = stop if stop < until_draw else None
        return RunsOut(runs=[RunOut.model_validate(run) for run in runs], next_draw=more)

    @app.get("/sweeps", tags=["evidence"], response_model_exclude_unset=True)
    async def list_sweeps(from_tick: Number, until_tick: Number) -> SweepsOut:
        """Bitmaps by slot (little-endian, base64) of the ticks from_tick <= n < until_tick."""
        ticks = range(from_tick, min(until_tick, from_tick + SWEEPS_PAGE_MAX))
        sweeps = await services.measurements.sweep_bits(ticks)
        more = ticks.stop if ticks.stop < until_tick else None
        return SweepsOut(sweeps=[sweep_out(sweep) for sweep in sweeps], next_tick=more)

    @app.get(
        "/rosters/{roster_id}", tags=["evidence"], responses=problems(ProblemKind.UNKNOWN_ROSTER)
    )
    async def get_a_roster(roster_id: str) -> RosterOut:
        """Who stood at which slot, in a version that a sweep names."""
        try:
            shard, version = roster_key(roster_id)
        except ValueError as error:
            raise Problem(
                ProblemKind.UNKNOWN_ROSTER, "Name it {shard}-{roster_version}, as GET /sweeps does."
            ) from error
        roster = await services.measurements.roster(shard, version)
        return RosterOut(
            roster_id=roster.id,
            until_tick=roster.until_tick,
            slots=[SlotOut.model_validate(slot) for slot in roster.slots],
        )


async def _page_of(draws: range, measurements: Measurements) -> tuple[list[Run], int]:
    """(the runs of these draws, or of the first few if all would be too many; where they end)."""
    first, rest = draws[:_RUNS_FIRST], draws[_RUNS_FIRST:]
    runs = await measurements.runs(first)
    if sum(len(run.checks) for run in runs) * len(draws) > CHECKS_PAGE_MAX * len(first):
        return runs, first.stop
    return [*runs, *(await measurements.runs(rest) if rest else ())], draws.stop


def schedule_out(day: LotteryDay) -> ScheduleOut:
    """A day of the lottery on the wire; the secret in hex."""
    return ScheduleOut(
        day=day.day.isoformat(),
        commitment=day.commitment,
        sealed_at=timestamp(day.sealed_s),
        sealed_in_advance=day.was_sealed_in_advance,
        check_seconds=day.check_seconds,
        checks_per_hour=day.checks_per_hour,
        first_draw=day.draws().start,
        until_draw=day.draws().stop,
        secret=day.secret.hex() if day.secret is not None else None,
    )


def sweep_out(sweep: SweepBits) -> SweepOut:
    """A sweep on the wire: its bitmaps in base64."""
    names = ("probed", *(outcome.value for outcome in Outcome))
    bitmaps = {name: bitmap_bytes(getattr(sweep, name)) for name in names}
    return SweepOut(
        sweep_tick=sweep.tick,
        shard=str(sweep.shard),
        shard_tick=shard_tick(sweep.shard, sweep.tick),
        since_tick=sweep.since_tick,
        roster_version=sweep.roster_version,
        roster_revision=sweep.roster_revision,
        recorded_s=sweep.recorded_s,
        cursor_s=sweep.cursor_s,
        **{name: base64.b64encode(packed).decode() for name, packed in bitmaps.items()},
    )
