"""The public record as it goes over the wire, and how much of it fits into one answer."""

import base64

from api.wire.common import timestamp
from api.wire.evidence import ScheduleOut, SweepOut
from coordinator.adapters.records import Measurements
from coordinator.checking.checks import Run
from coordinator.checking.sealed_days import LotteryDay
from coordinator.documents.bitmaps import bitmap_bytes
from coordinator.sweeping.polls import Outcome
from coordinator.sweeping.sweeps import SweepBits, shard_tick

CHECKS_PAGE_MAX = 10_000
"""Beyond this a page would be more MiB than a function may answer with."""
_RUNS_FIRST = 10
"""By which a page sees how large the others are; 3 MB of ten thousand nodes at the default rate."""


async def runs_of(draws: range, measurements: Measurements) -> tuple[list[Run], int]:
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
        controls=None if day.controls is None else dict(day.controls),
    )


def sweep_out(sweep: SweepBits) -> SweepOut:
    """A sweep on the wire: its bitmaps in base64."""
    names = ("probed", "not_up_before", *(outcome.value for outcome in Outcome))
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
