"""Exact bounds of a share that was counted (Clopper and Pearson 1934)."""

from collections.abc import Callable
from math import exp, lgamma, log

CONFIDENCE = 0.95
_STEPS = 60


def share_bounds(hits: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """(lowest, highest) true share that `hits` of `trials` still fit; (0, 1) without trials."""
    if not 0 <= hits <= trials:
        raise ValueError(f"{hits} hits in {trials} trials")
    rest = (1 - confidence) / 2
    low = 0.0 if hits == 0 else _root(lambda p: at_most(trials - hits, trials, 1 - p) - rest)
    high = 1.0 if hits == trials else _root(lambda p: rest - at_most(hits, trials, p))
    return low, high


def at_most(hits: int, trials: int, share: float) -> float:
    """How likely `hits` or fewer of `trials` are, each with probability `share`."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 1.0 if hits >= trials else 0.0
    return min(1.0, sum(_exactly(k, trials, share) for k in range(hits + 1)))


def _exactly(hits: int, trials: int, share: float) -> float:
    ways = lgamma(trials + 1) - lgamma(hits + 1) - lgamma(trials - hits + 1)
    return exp(ways + hits * log(share) + (trials - hits) * log(1 - share))


def _root(rises: Callable[[float], float]) -> float:
    """Where a function that rises over (0, 1) is zero."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if rises(middle) < 0 else (low, middle)
    return (low + high) / 2
