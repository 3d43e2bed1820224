"""Cheats that only some checks find: each node is checked again and again, until it is flagged.

As the lottery does, one check of a node after another, each as long as the one that failed before.
Beside other trials they would look at each other's connections, and a flag would say nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from bench.cheat_kinds import ALONE_S, LANES
from bench.report import say
from bench.stage import Subject
from bench.trial_plans import Plan, set_up
from bench.trials import Tally, Trials
from coordinator.checking.checks import Check
from coordinator.checking.lengths import Length

PROGRESS_EVERY_S = 60.0
Try = Callable[[Subject, int, Length], Awaitable[Check]]
"""Makes a node's check of a draw, that lasts so long at least."""


def lanes_of(cheats: Iterable[str]) -> tuple[str, ...]:
    """Names of the nodes that stand for these cheats."""
    return tuple(f"{cheat} {n}" for cheat in cheats for n in range(1, LANES.get(cheat, 0) + 1))


async def follow(
    names: tuple[str, ...], logs: Path, until_s: float, made: dict[str, Tally]
) -> None:
    """All of them, until they are flagged or it is `until_s` by the monotonic clock.

    A check that is under way then says nothing: those that find most last longest."""
    plan = Plan((), names, checks=0, at_once=len(names))
    async with set_up(plan, logs) as trials:
        own = [Tally(subject) for subject in trials.stage.subjects]
        made |= {tally.subject.name: tally for tally in own}
        telling = asyncio.create_task(_tell(own, until_s))
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(until_s - time.monotonic()):
                    await _all(trials, own)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


async def _all(trials: Trials, own: Sequence[Tally]) -> None:
    async with asyncio.TaskGroup() as group:
        for tally in own:
            alone_s = ALONE_S.get(tally.subject.kind, 0.0)
            group.create_task(until_flagged(tally, trials.one, alone_s))


async def until_flagged(tally: Tally, one: Try, alone_s: float) -> None:
    """One check after another, as the lottery draws them for a node."""
    while not tally.until_flagged:
        await asyncio.sleep(alone_s)
        tally.take(await one(tally.subject, len(tally.checks), tally.failed_length))


async def _tell(own: Sequence[Tally], until_s: float) -> None:
    while True:
        await asyncio.sleep(PROGRESS_EVERY_S)
        flagged = sum(bool(tally.until_flagged) for tally in own)
        checks = sum(len(tally.checks) for tally in own)
        left_min = max(0.0, until_s - time.monotonic()) / 60
        told = f"{flagged} of {len(own)} nodes that only some checks find are flagged"
        say(f"{told}, after {checks} checks; at most {left_min:.0f} min left")
