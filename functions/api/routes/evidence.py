"""The public record: everything that a schedule or a statement can be recomputed from."""

from datetime import date
from typing import Annotated

from fastapi import FastAPI, Query

from api.http.problems import Problem, ProblemKind, problems
from api.services.evidence import (
    SLOTS_PAGE_MAX,
    runs_of,
    schedule_out,
    sweep_out,
    ticks_on_a_page,
)
from api.services.services import Services
from api.wire.evidence import RosterOut, RunOut, RunsOut, ScheduleOut, SlotOut, SweepsOut
from coordinator.sweeping.rosters import roster_key

RUNS_PAGE_MAX = 100
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
    async def list_runs(from_draw: Number, until_draw: Number, from_check: Number = 0) -> RunsOut:
        """Every check of the draws from_draw <= n < until_draw, run by run.

        The larger the network, the fewer draws on a page: go on while there is a `next_draw`. A
        page may end within a draw: the next one has its other checks, in the same run."""
        draws = range(from_draw, min(until_draw, from_draw + RUNS_PAGE_MAX))
        page = await runs_of(draws, from_check, services.measurements)
        is_more = page.next_draw < until_draw
        return RunsOut(
            runs=[RunOut.model_validate(run) for run in page.runs],
            next_draw=page.next_draw if is_more else None,
            next_check=page.next_check,
        )


def _sweep_routes(app: FastAPI, services: Services) -> None:
    @app.get("/sweeps", tags=["evidence"], response_model_exclude_unset=True)
    async def list_sweeps(from_tick: Number, until_tick: Number) -> SweepsOut:
        """Bitmaps by slot (little-endian, base64) of the ticks from_tick <= n < until_tick.

        The larger the network, the fewer ticks on a page: go on while there is a `next_tick`."""
        most = ticks_on_a_page(await services.snapshots.network())
        ticks = range(from_tick, min(until_tick, from_tick + most))
        sweeps = await services.measurements.sweep_bits(ticks)
        more = ticks.stop if ticks.stop < until_tick else None
        return SweepsOut(sweeps=[sweep_out(sweep) for sweep in sweeps], next_tick=more)

    @app.get(
        "/rosters/{roster_id}", tags=["evidence"], responses=problems(ProblemKind.UNKNOWN_ROSTER)
    )
    async def get_a_roster(roster_id: str, from_slot: Number = 0) -> RosterOut:
        """Who stood at which slot, in a version that a sweep names.

        Two thousand slots at a time: go on while there is a `next_slot`."""
        try:
            shard, version = roster_key(roster_id)
        except ValueError as error:
            raise Problem(
                ProblemKind.UNKNOWN_ROSTER, "Name it {shard}-{roster_version}, as GET /sweeps does."
            ) from error
        until = from_slot + SLOTS_PAGE_MAX
        places = slice(from_slot, until + 1)
        roster = await services.measurements.roster(shard, version, places)
        return RosterOut(
            roster_id=roster.id,
            until_tick=roster.until_tick,
            slots=[SlotOut.model_validate(slot) for slot in roster.slots[:SLOTS_PAGE_MAX]],
            next_slot=until if len(roster.slots) > SLOTS_PAGE_MAX else None,
        )
