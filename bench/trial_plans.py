"""What is tried on one stage, and the stage with everything that its trials need."""

import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.kinds.honest_kinds import HonestKind
from bench.readiness import ready
from bench.real_checker import real_checker
from bench.report import say
from bench.stage import staged
from bench.trials import Trials
from coordinator.adapters.media.rtmp_reference import ReferencePool
from coordinator.checking.lengths import Length
from emulator.demo.options import ENGINES

AT_ONCE = 16 * (os.cpu_count() or 1)
"""Captures together: the same machine runs all publishers and nodes. One that is late excuses."""
TRIALS, CHECKS = 20, 2_100


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is tried on one stage."""

    kinds: tuple[HonestKind, ...]
    cheats: tuple[str, ...]
    checks: int = CHECKS
    """Of all honest nodes together."""
    trials: int = TRIALS
    """Checks of each cheat."""
    at_once: int = AT_ONCE
    engine: str = ENGINES[0]
    """Of the honest nodes that can be of either."""
    longest: Length = Length.VERY_LONG


@asynccontextmanager
async def set_up(plan: Plan, logs: Path) -> AsyncIterator[Trials]:
    """Starts a stage, and waits until everything serves. Raises TimeoutError if it never does."""
    pool = ReferencePool(now=time.time)
    async with staged(logs, plan.engine) as stage:
        say(f"starting {len(plan.kinds)} honest nodes and {len(plan.cheats)} cheats")
        await stage.start(plan.kinds, plan.cheats)
        try:
            streams = {subject.stream for subject in stage.subjects}
            references = {name: pool.acquire(stage.source(name)) for name in streams}
            rng = random.Random(3)
            trials = Trials(stage, real_checker(), references, plan.at_once, rng, plan.longest)
            await ready(stage, trials)
            yield trials
        finally:
            await pool.close()
