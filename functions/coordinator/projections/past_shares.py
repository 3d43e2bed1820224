"""What a node's history comes to: its share of minutes up in the last day and the last month.

An hour, or a day, has the lowest share of the level that is drawn for it. So a figure is never
better than what was measured, and less than two percent worse.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from coordinator.projections.history import (
    DAYS,
    FLOORS_PERMILLE,
    HOURS_A_DAY,
    LEVELS,
    NodeHistory,
    level_of,
)

_SHARES = {level: floor / 1000 for level, floor in zip(LEVELS, FLOORS_PERMILLE, strict=True)}
"""What is not among them was not measured, or had no stream: it counts for nothing."""


@dataclass(frozen=True, slots=True)
class PastShares:
    """0 to 1; None where nothing was measured."""

    day: float | None = None
    month: float | None = None


NO_SHARES = PastShares()


@lru_cache(maxsize=16_384)
def shares_of(history: NodeHistory, until_hour: int) -> PastShares:
    """Of a node's last 24 whole hours, and of its last 30 days with the one that is not over."""
    days = [(level, HOURS_A_DAY) for level in history.days]
    hours_today = min(until_hour % HOURS_A_DAY, len(history.hours))
    days = [*days, (level_of(history.today), hours_today)][-DAYS:]
    return PastShares(_mean((level, 1) for level in history.hours), _mean(days))


def _mean(weighted: Iterable[tuple[str, int]]) -> float | None:
    found = [(_SHARES[level], weight) for level, weight in weighted if level in _SHARES]
    total = sum(weight for _, weight in found)
    return sum(share * weight for share, weight in found) / total if total else None


def percent(share: float) -> str:
    """`"97.0"`: rounded down, so that 100 means every minute."""
    permille = round(share * 1_000_000) // 1_000
    return f"{permille // 10}.{permille % 10}"
