"""The public record as it goes over the wire, and how much of it fits into one answer."""

import base64
from dataclasses import replace
from typing import NamedTuple

from api.wire.common import timestamp
from api.wire.evidence import ScheduleOut, SweepOut
from coordinator.adapters.records import Measurements
from coordinator.checking.checks import Run
from coordinator.checking.sealed_days import LotteryDay
from coordinator.documents.bitmaps import bitmap_bytes
from coordinator.projections.network_view import NetworkView
from coordinator.sweeping.polls import Outcome
from coordinator.sweeping.sweeps import SweepBits, shard_tick

CHECKS_PAGE_MAX = 300
"""Of half a kilobyte each, or twice as much for those of many packets. They are several records,
so a page of them takes longer than any other."""
SLOTS_PAGE_MAX = 2_000
"""Of a third of a kilobyte each, and 450 bytes with the longest URL."""
BITS_PAGE_MAX = 250_000
"""Slots of all sweeps on a page: each has a bit in nine bitmaps, most of them short."""
SWEEPS_PAGE_MAX, SWEEPS_PAGE_MIN = 100, 4
_DRAWS_AT_ONCE_FIRST, _DRAWS_AT_ONCE_MAX = 4, 16
"""No more are read at once than may fit, if they are like those before; they may be larger."""


class RunsPage(NamedTuple):
    """Runs in their order; of the first and of the last draw there may be some checks only."""

    runs: list[Run]
    next_draw: int
    next_check: int
    """How many checks of that draw were told."""


async def runs_of(draws: range, from_check: int, measurements: Measurements) -> RunsPage:
    """The runs of these draws, as far as they fit; without the first checks of the first draw."""
    found: list[Run] = []
    draw, batch = draws.start, _DRAWS_AT_ONCE_FIRST
    left, skipped = CHECKS_PAGE_MAX, from_check
    while draw < draws.stop and left > 0:
        some = range(draw, min(draw + batch, draws.stop))
        by_draw: dict[int, list[Run]] = {each: [] for each in some}
        for run in await measurements.runs(some, left + skipped):
            by_draw[run.draw].append(run)
        for each, runs in by_draw.items():
            if left <= 0:
                return RunsPage(found, each, 0)
            parts, told = _cut(runs, skipped, left)
            found += parts
            if skipped + told < sum(len(run.checks) for run in runs):
                return RunsPage(found, each, skipped + told)
            left, skipped = left - max(1, told), 0
        most = max(sum(len(run.checks) for run in runs) for runs in by_draw.values())
        draw, batch = (
            some.stop,
            min(2 * batch, _DRAWS_AT_ONCE_MAX, 1 + max(0, left) // max(1, most)),
        )
    return RunsPage(found, min(draw, draws.stop), 0)


def _cut(runs: list[Run], skipped: int, most: int) -> tuple[list[Run], int]:
    """(a draw's runs without so many of its first checks, and with so many at the most; how many
    those are). A run of which nothing is told is left out, unless it has no checks."""
    parts, told = [], 0
    for run in runs:
        checks = run.checks[skipped : skipped + most - told]
        skipped = max(0, skipped - len(run.checks))
        if checks or not run.checks:
            parts.append(run if len(checks) == len(run.checks) else replace(run, checks=checks))
        told += len(checks)
    return parts, told


def ticks_on_a_page(network: NetworkView) -> int:
    """Of how many ticks the sweeps fit into one answer."""
    slots = sum(len(document.slots) for document in network.documents)
    return max(SWEEPS_PAGE_MIN, min(SWEEPS_PAGE_MAX, BITS_PAGE_MAX // max(1, slots)))


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
    names = ("probed", "not_up_before", "waiting", *(outcome.value for outcome in Outcome))
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
