"""What is searched for: an operator's policies, and those of whoever knows more than others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bench.simulations.adversary.deeds import (
    OF_LINES,
    OF_SPONSORS,
    OUTLASTS_CHECKS,
    TELLS_ADDRESSES,
    Deed,
)
from bench.simulations.adversary.evolution import Measure, Measured
from bench.simulations.adversary.known_strategies import CATALOGUE, COUNTING
from bench.simulations.adversary.policies import Policy
from bench.simulations.adversary.scores import Trial, lives_of
from bench.simulations.adversary.variation import COUNTING_SIGHTS, USUAL_SIGHTS, Repertoire


@dataclass(frozen=True, slots=True)
class Quest:
    """One kind of adversary."""

    name: str
    measure: Measure
    """A search's: a few lives, by a seed."""
    repertoire: Repertoire
    starts: Sequence[Policy]
    told: Callable[[Policy], str] = str
    """In words."""


def lives_for(trial: Trial) -> Measure:
    """Measures what is paid and not served, and what is paid, in lives like the trial's."""
    return partial(_lives, trial)


def _lives(trial: Trial, policies: Sequence[Policy], seed: int) -> list[Measured]:
    lives = lives_of(policies, replace(trial, seed=seed))
    return [[(paid - served, paid) for paid, served in one] for one in lives]


SEARCHED = lives_for(Trial(1, 24, 0))
LONG = lives_for(Trial(10, 48, 0))
"""What is found is told by these."""
APART = TELLS_ADDRESSES | OUTLASTS_CHECKS
OF_OPERATORS = tuple(deed for deed in Deed if deed not in OF_SPONSORS | OF_LINES)
KNOWN_FROM_OUTSIDE = tuple(deed for deed in OF_OPERATORS if deed not in APART)
OPERATOR = Quest(
    "operator",
    SEARCHED,
    Repertoire(KNOWN_FROM_OUTSIDE, sights=(*USUAL_SIGHTS, *COUNTING_SIGHTS)),
    [*CATALOGUE, *COUNTING],
)
TELLING_ADDRESSES = Quest(
    "operator who tells checks by their address",
    SEARCHED,
    Repertoire(tuple(deed for deed in OF_OPERATORS if deed not in OUTLASTS_CHECKS)),
    CATALOGUE,
)
OUTLASTING_CHECKS = Quest(
    "operator who cuts after the longest check",
    SEARCHED,
    Repertoire(tuple(deed for deed in OF_OPERATORS if deed not in TELLS_ADDRESSES)),
    CATALOGUE,
)
