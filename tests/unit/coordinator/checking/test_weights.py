"""The weights of checks do what docs/suspicion.md says: computed exactly, by the score alone.

A score moves by three steps. So how likely each score is after so many checks needs no chance.
"""

from collections import defaultdict
from collections.abc import Iterator

import pytest

from coordinator.checking.suspicion import PUBLISHED

CHECKS_IN_20_YEARS = 20 * 365 * 24 * 4
Shares = tuple[float, float, float]
"""Of checks that pass, are degraded, and fail."""


def honest(again: float) -> Shares:
    """3 % of connections fail, and that share of their retests."""
    return 0.97, 0.03 * (1 - again), 0.03 * again


def step(scores: dict[int, float], shares: Shares) -> tuple[dict[int, float], float]:
    """(how likely each score is after one more check, how likely that one raised the flag)."""
    after, flagged = defaultdict[int, float](float), 0.0
    weights = PUBLISHED.passed, PUBLISHED.degraded, PUBLISHED.failed
    for score, chance in scores.items():
        for share, weight in zip(shares, weights, strict=True):
            new = max(0, score + weight)
            if new >= PUBLISHED.flag_at:
                flagged += chance * share
            else:
                after[new] += chance * share
    return after, flagged


def flags_at(shares: Shares, checks: int) -> Iterator[float]:
    """How likely each of so many checks is the one that flags."""
    scores = {0: 1.0}
    for _ in range(checks):
        scores, flagged = step(scores, shares)
        yield flagged


def checks_to_a_flag(shares: Shares) -> float:
    """On average: by what a way from zero to zero takes, and how often it ends in a flag."""
    scores, flagged, checks = {0: 1.0}, 0.0, 0.0
    while (left := sum(scores.values())) > 1e-12:
        checks += left
        scores, now = step(scores, shares)
        flagged += now
        scores.pop(0, None)
    return checks / flagged


@pytest.mark.parametrize(
    ("shares", "mean_max", "percent95_max"),
    [
        ((0.49, 0.25, 0.26), 11, 20),  # a new toss of the coin for each connection
        ((0.49, 0.05, 0.46), 8, 14),  # it is away for longer than a retest waits
        ((0.0, 0.0, 1.0), 3, 3),
        ((0.0, 1.0, 0.0), 8, 8),
    ],
)
def test_who_serves_half_of_the_time_is_soon_found(
    shares: Shares, mean_max: float, percent95_max: int
) -> None:
    """However long it is there and away; and who serves nothing within three checks."""
    flags = list(flags_at(shares, 80))
    assert sum(flags) == pytest.approx(1.0, abs=1e-3)
    assert sum(at * flag for at, flag in enumerate(flags, start=1)) <= mean_max
    assert sum(flags[:percent95_max]) >= 0.95


@pytest.mark.parametrize(("again", "flags_max"), [(0.03, 0.01), (0.2, 1.0), (0.5, 14.0)])
def test_honest_nodes_are_hardly_ever_suspected(again: float, flags_max: float) -> None:
    """In 20 node-years, by how often a retest fails because the first connection did."""
    assert CHECKS_IN_20_YEARS / checks_to_a_flag(honest(again)) <= flags_max
