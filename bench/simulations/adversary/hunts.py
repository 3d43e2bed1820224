"""Searches side by side, in as many processes as there are processors."""

import gc
import math
import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import fmean, stdev

from bench.simulations.adversary.evolution import Island, Measure, Measured, sure
from bench.simulations.adversary.journal import Journal
from bench.simulations.adversary.policies import Policy
from bench.simulations.adversary.quests import Quest

TOLD_EVERY_S = 15.0
A_GENERATION = 60
FINALISTS_A_SEED = 2
REPLAYS = 4
"""Jobs with fresh seeds, of each finalist: who is best by these is the best found."""
FRESH = 500_000
"""Seeds from here on are of no search."""
LIVES_MIN, LIVES_MAX = 40, 4_000
"""Of the best: until its error is small, or that would take all night."""


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
    executor = ProcessPoolExecutor(os.cpu_count(), initializer=_begins)
    try:
        yield executor
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _begins() -> None:
    """Ctrl-C is our parent's. Python's search for reference circles would take a quarter of all
    time: it is made once after each job instead."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()


def _measured(measure: Measure, policies: Sequence[Policy], seed: int) -> list[Measured]:
    lives = measure(policies, seed)
    gc.collect()
    return lives


@dataclass
class Hunt:
    """Of one quest, from many seeds."""

    quest: Quest
    policies: int
    """To be tried in all."""
    seeds: int
    executor: Executor
    replay: Measure
    error_max: float
    journal: Journal
    _told_s: float = field(default=0.0)

    def found(self) -> BestFound:
        """Searches, replays and says what came of it."""
        islands = [
            Island(seed, self.quest.repertoire, self.quest.starts, A_GENERATION)
            for seed in range(1, self.seeds + 1)
        ]
        running: dict[Future[list[Measured]], Island] = {}
        for island in islands:
            self._goes_on(island, running)
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                island, lives = running.pop(future), future.result()
                self.journal.keeps(self._name(island), lives)
                island.told(lives)
                self._goes_on(island, running)
            self._tells(islands, is_last=not running)
        best = dict.fromkeys(p for island in islands for p in _finalists(island))
        return self._replayed(list(best), sum(island.tried for island in islands))

    def _goes_on(self, island: Island, running: dict["Future[list[Measured]]", Island]) -> None:
        """With what an earlier run measured, and then with its next generation."""
        while island.tried < self.policies / self.seeds:
            lives = self.journal.recalled(self._name(island))
            if lives is None:
                running[self._submitted(self.quest.measure, *island.asked())] = island
                return
            island.told(lives)

    def _name(self, island: Island) -> str:
        return f"{self.quest.name}, seed {island.seed}, generation {island.generation}"

    def _submitted(
        self, measure: Measure, policies: Sequence[Policy], seed: int
    ) -> "Future[list[Measured]]":
        return self.executor.submit(_measured, measure, policies, seed)

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
        jobs = [self._submitted(self.replay, finalists, FRESH + n) for n in range(REPLAYS)]
        rounds = [job.result() for job in jobs]
        lives = [[one for part in rounds for one in part[at]] for at in range(len(finalists))]
        best = finalists[max(range(len(finalists)), key=lambda at: sure(lives[at]))]
        measured: Measured = []
        batch = FRESH * 2
        while len(measured) < LIVES_MIN or (
            len(measured) < LIVES_MAX and _error(measured) > self.error_max
        ):
            jobs = [self._submitted(self.replay, [best], batch + n) for n in range(REPLAYS)]
            measured += [life for job in jobs for life in job.result()[0]]
            batch += REPLAYS
        gain, share = (fmean(column) for column in zip(*measured, strict=True))
        return BestFound(best, gain, _error(measured), share, tried)


def _finalists(island: Island) -> list[Policy]:
    """Of those that do anything: whoever does nothing gains nothing, as everybody knows."""
    doing = [p for p in island.best(len(island.lives)) if any(map(any, island.lives[p]))]
    return (doing or island.best(1))[:FINALISTS_A_SEED]


def _error(measured: Measured) -> float:
    return stdev(gain for gain, _ in measured) / math.sqrt(len(measured))
