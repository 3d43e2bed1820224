"""An evolutionary search: the best policies live on, are changed, crossed, and joined by new ones.

Who lives on is measured again in every generation, with fresh seeds, so luck wears off.
"""

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from bench.simulations.adversary.deeds import Deed
from bench.simulations.adversary.policies import Policy
from bench.simulations.adversary.variation import Repertoire, by_chance, crossed, mutated

NICHES, SURVIVORS, NEWCOMERS, POPULATION = 12, 2, 4, 36
"""Of a generation: niches, who lives on in each at most, who comes by chance, and all.

Who does nothing gains nothing and loses nothing, which most ways to a gain do at first. So the best
live on of each kind: of those that do the same deeds, and are paid or not."""
PAID_MIN = 0.05
LIVING_MAX = 16

Measured = list[tuple[float, float]]
"""Of each life of a policy what it came to, the more, the better for it; and what it is paid."""
Measure = Callable[[Sequence[Policy], int], list[Measured]]
"""Lives of some policies, by a seed."""


@dataclass
class Island:
    """One search, from a seed of its own."""

    seed: int
    known: Repertoire
    starts: Sequence[Policy] = ()
    population: int = POPULATION
    """Of a generation: the larger, the less of it is measured once more."""
    tried: int = 0
    """Policies measured so far."""
    lives: dict[Policy, Measured] = field(default_factory=dict)
    """Of those that live."""
    generation: int = 0

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        known = list(self.starts)
        self._rng.shuffle(known)
        count = self.population
        others = (by_chance(self._rng, self.known) for _ in range(count - len(known) // 2))
        self._next = [*known[: count // 2], *others][:count]

    def asked(self) -> tuple[list[Policy], int]:
        """Who is to be measured now, and by which seed."""
        return self._next, self.seed * 1_000 + self.generation

    def told(self, measured: Iterable[Measured]) -> None:
        """Takes what was asked for."""
        for policy, lives in zip(self._next, measured, strict=True):
            self.tried += policy not in self.lives
            self.lives.setdefault(policy, []).extend(lives)
        self.generation += 1
        best = self._living_on()
        self.lives = {policy: self.lives[policy] for policy in best}
        self._next = [*best, *self._born(best)]

    def best(self, count: int) -> list[Policy]:
        """The best first, each taken for as good as it surely is."""
        return sorted(self.lives, key=lambda policy: -sure(self.lives[policy]))[:count]

    def _living_on(self) -> list[Policy]:
        niches: dict[tuple[frozenset[Deed], bool], list[Policy]] = {}
        for policy in self.best(len(self.lives)):
            is_paid = fmean(share for _, share in self.lives[policy]) >= PAID_MIN
            niches.setdefault((policy.deeds, is_paid), []).append(policy)
        kinds = list(niches.values())[:NICHES]
        first = [kind[0] for kind in kinds]
        others = [policy for kind in kinds for policy in kind[1:SURVIVORS]]
        return [*first, *others][:LIVING_MAX]

    def _born(self, parents: Sequence[Policy]) -> list[Policy]:
        rng, born = self._rng, dict[Policy, None]()
        while len(born) < self.population - len(parents) - NEWCOMERS:
            parent = rng.choice(parents)
            child = parent if rng.random() < 0.8 else crossed(parent, rng.choice(parents), rng)
            child = mutated(child, rng, self.known)
            if child not in self.lives:
                born[child] = None
        while len(born) < self.population - len(parents):
            born[by_chance(rng, self.known)] = None
        return list(born)


def sure(lives: Measured) -> float:
    """The mean less a standard error of it; of few lives the spread is not known well."""
    count = len(lives)
    mean = fmean(gain for gain, _ in lives)
    spread = (sum((gain - mean) ** 2 for gain, _ in lives) + 0.05**2) / count
    return mean - math.sqrt(spread / count)


def evolved(island: Island, measure: Measure, generations: int) -> Policy:
    """The best that so many generations found."""
    for _ in range(generations):
        policies, seed = island.asked()
        island.told(measure(policies, seed))
    return island.best(1)[0]
