"""The public record: everything that a schedule or a statement can be recomputed from."""

import base64
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import FastAPI, Query

from api.problems import Problem
from api.services import Services
from api.wire import timestamp
from coordinator.checks import Run
from coordinator.days import LotteryDay

RUNS_PAGE_MAX = 100
SWEEPS_PAGE_MAX = 100
Number = Annotated[int, Query(ge=0, lt=10**12)]


def install(app: FastAPI, services: Services) -> None:
    """`/schedule/{day}`, `/runs`, `/sweeps`, `/rosters/{roster_id}`."""

    @app.get("/schedule/{day}", tags=["evidence"])
    async def get_a_schedule(day: date) -> dict[str, Any]:
        """A day's commitment, published before it; after the day the secret that was sealed."""
        (found,) = await services.measurements.lottery_days([day])
        if found is None:
            raise Problem("unknown-day", f"{day} is not sealed: see today and tomorrow.")
        return schedule_out(found)

    @app.get("/runs", tags=["evidence"])
    async def list_runs(from_draw: Number, until_draw: Number) -> dict[str, Any]:
        """Every check of the draws from_draw <= n < until_draw, run by run."""
        draws = range(from_draw, min(until_draw, from_draw + RUNS_PAGE_MAX))
        runs = await services.measurements.runs(draws)
        more = draws.stop if draws.stop < until_draw else None
        return {"runs": [run_out(run) for run in runs], "next_draw": more}

    @app.get("/sweeps", tags=["evidence"])
    async def list_sweeps(from_tick: Number, until_tick: Number) -> dict[str, Any]:
        """Bitmaps by slot (little-endian, base64) of the ticks from_tick <= n < until_tick."""
        ticks = range(from_tick, min(until_tick, from_tick + SWEEPS_PAGE_MAX))
        documents = await services.measurements.sweep_documents(ticks)
        more = ticks.stop if ticks.stop < until_tick else None
        return {"sweeps": [sweep_out(fields) for fields in documents], "next_tick": more}

    @app.get("/rosters/{roster_id}", tags=["evidence"])
    async def get_a_roster(roster_id: str) -> dict[str, Any]:
        """Who stood at which slot, in a version that a sweep names."""
        shard, _, version = roster_id.partition("-")
        if not (shard.isascii() and shard.isdigit() and version.isascii() and version.isdigit()):
            raise Problem("unknown-roster", "Name it {shard}-{version}, as GET /sweeps does.")
        if max(len(shard), len(version)) > 12:
            raise Problem("unknown-roster", f"There is no roster {roster_id[:30]}.")
        roster = await services.measurements.roster(int(shard), int(version))
        return {
            "roster_id": roster.id,
            "until_tick": roster.until_tick,
            "slots": [asdict(slot) for slot in roster.slots],
        }


def schedule_out(day: LotteryDay) -> dict[str, Any]:
    """A day of the lottery on the wire; the secret in hex."""
    return {
        "day": day.day.isoformat(),
        "commitment": day.commitment,
        "sealed_at": timestamp(day.sealed_s),
        "sealed_in_advance": day.was_sealed_in_advance,
        "check_seconds": day.check_seconds,
        "checks_per_hour": day.checks_per_hour,
        "first_draw": day.draws().start,
        "until_draw": day.draws().stop,
        "secret": day.secret.hex() if day.secret is not None else None,
    }


def run_out(run: Run) -> dict[str, Any]:
    """A run on the wire: `coordinator.checks.Run`, field by field."""
    return asdict(run)


def sweep_out(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A sweep's document on the wire: bitmaps in base64, everything else as it is."""
    out = {}
    for name, value in fields.items():
        if name in ("rows", "expire_at"):
            continue
        out[name] = base64.b64encode(value).decode() if isinstance(value, bytes) else value
    return out
