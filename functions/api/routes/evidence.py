"""The public record: everything that a schedule or a statement can be recomputed from."""

from datetime import date
from typing import Annotated

from fastapi import FastAPI, Query

from api.http.problems import Problem, ProblemKind, problems
from api.services.evidence import runs_of, schedule_out, sweep_out
from api.services.services import Services
from api.wire.evidence import RosterOut, RunOut, RunsOut, ScheduleOut, SlotOut, SweepsOut
from coordinator.sweeping.rosters import roster_key

RUNS_PAGE_MAX = 100
SWEEPS_PAGE_MAX = 100
Number = Annotated[int, Query(ge=0, lt=10**12)]


def install(app: FastAPI, services: Services) -> None:
    """`/schedule/{day}`, `/runs`, `/sweeps`, `/rosters/{roster_id}`."""
    _lottery_routes(app, services)
    _sweep_routes(app, services)


def _lottery_routes(app: FastAPI, services: Services) -> None:
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
        runs, stop = await runs_of(draws, services.measurements)
        more = stop if stop < until_draw else None
        return RunsOut(runs=[RunOut.model_validate(run) for run in runs], next_draw=more)


def _sweep_routes(app: FastAPI, services: Services) -> None:
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
