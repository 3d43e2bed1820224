"""Searches side by side, in as many processes as there are processors."""

import math
import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import fmean, stdev

from bench.simulations.adversary.evolution import Island, Measure, Measured, sure
from bench.simulations.adversary.policies import Policy
from bench.simulations.adversary.quests import Quest

TOLD_EVERY_S = 15.0
FINALISTS_A_SEED = 2
REPLAYS = 4
"""Jobs with fresh seeds, of each finalist: who is best by these is the best found."""
FRESH = 500_000
"""Seeds from here on are of no search."""


@dataclass(frozen=True, slots=True)
class BestFound:
    """The best policy of a hunt, replayed with fresh seeds that had no part in choosing it."""

    policy: Policy
    gain: float
    error: float
    """One standard error."""
    share: float
    tried: int


@contextmanager
def pool() -> Iterator[ProcessPoolExecutor]:
    """Processes that end with us, also on Ctrl-C."""
    executor = ProcessPoolExecutor(os.cpu_count(), initializer=_ignores_interrupts)
    try:
        yield executor
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _ignores_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@dataclass
class Hunt:
    """Of one quest, from many seeds."""

    quest: Quest
    policies: int
    """To be tried in all."""
    seeds: int
    executor: ProcessPoolExecutor
    replay: Measure
    error_max: float
    _told_s: float = field(default=0.0)

    def found(self) -> BestFound:
        """Searches, replays and says what came of it."""
        islands = [
            Island(seed, self.quest.deeds, self.quest.starts) for seed in range(1, self.seeds + 1)
        ]
        running = {self._submitted(island): island for island in islands}
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                island = running.pop(future)
                island.told(future.result())
                if island.tried < self.policies / self.seeds:
                    running[self._submitted(island)] = island
            self._tells(islands, is_last=not running)
        best = dict.fromkeys(p for island in islands for p in island.best(FINALISTS_A_SEED))
        return self._replayed(list(best), sum(island.tried for island in islands))

    def _submitted(self, island: Island) -> "Future[list[Measured]]":
        policies, seed = island.asked()
        return self.executor.submit(self.quest.measure, policies, seed)

    def _tells(self, islands: Sequence[Island], *, is_last: bool) -> None:
        if time.monotonic() < self._told_s + TOLD_EVERY_S and not is_last:
            return
        self._told_s = time.monotonic()
        tried = sum(island.tried for island in islands)
        best, lives = max(
            ((p, i.lives[p]) for i in islands if i.lives for p in i.best(1)),
            key=lambda each: sure(each[1]),
        )
        gain = fmean(gain for gain, _ in lives)
        told = f"{tried:,} of {self.policies:,} policies, best so far {gain:+.3f}"
        print(f"{self.quest.name}: {told}: {self.quest.told(best)}", flush=True)

    def _replayed(self, finalists: Sequence[Policy], tried: int) -> BestFound:
        """Finalists by fresh seeds, and the best of them by others, until its error is small."""
        jobs = [self.executor.submit(self.replay, finalists, FRESH + n) for n in range(REPLAYS)]
        rounds = [job.result() for job in jobs]
        lives = [[one for part in rounds for one in part[at]] for at in range(len(finalists))]
        best = finalists[max(range(len(finalists)), key=lambda at: sure(lives[at]))]
        measured: Measured = []
        batch = FRESH * 2
        while len(measured) < 40 or _error(measured) > self.error_max:
            jobs = [self.executor.submit(self.replay, [best], batch + n) for n in range(REPLAYS)]
            measured += [life for job in jobs for life in job.result()[0]]
            batch += REPLAYS
        gain, share = (fmean(column) for column in zip(*measured, strict=True))
        return BestFound(best, gain, _error(measured), share, tried)


def _error(measured: Measured) -> float:
    return stdev(gain for gain, _ in measured) / math.sqrt(len(measured))
