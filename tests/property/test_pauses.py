"""What a pause for good pays, though no check follows it, makes nobody rich who knows of the pause.

The operator is the sponsor's friend, or the sponsor: it knows the hour.
"""

from collections.abc import Sequence
from statistics import fmean

import pytest

from bench.simulations.adversary.pauses import LEAVING, LIVE, PERIOD, STARTS, pause_lives
from bench.simulations.adversary.policies import Policy
from coordinator.ledger import halts

SEEDS = (1, 2)


def _gains(policies: Sequence[Policy]) -> list[tuple[float, float]]:
    """(paid minus served, paid), in days a day, of each."""
    found = [pause_lives(policies, seed) for seed in SEEDS]
    columns = [[life for each in found for life in each[at]] for at in range(len(policies))]
    return [(fmean(gain for gain, _ in one), fmean(paid for _, paid in one)) for one in columns]


def test_who_stops_serving_before_a_pause_gains_nothing() -> None:
    """Beside a node that serves until the pause, and leaves with it."""
    (honest, paid), *others = _gains(STARTS)
    assert paid > 0.8 * LIVE / PERIOD
    assert -0.1 < honest <= 0
    assert max(gain for gain, _ in others) < honest


def test_without_it_honest_nodes_lose_what_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule undone: whatever waits when nobody publishes any more lapses."""
    ((kept, _),) = _gains([LEAVING])
    monkeypatch.setattr(halts, "LAPSE_SECONDS_MAX", 10**6)
    ((lapsed, _),) = _gains([LEAVING])
    assert lapsed < kept
