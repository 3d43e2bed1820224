"""The table of prices, as it is dated: nothing else in the tree knows what anything costs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("prices.json")
TRAFFIC_STEPS_GIB = (Decimal(1024), Decimal(10_240))
"""Up to which amount of a month the first and the second price of traffic hold."""


@dataclass(frozen=True)
class Price:
    """In USD; several where it falls with the amount."""

    of: str
    usd: tuple[Decimal, ...]
    seen: str
    """The page of Google's that says so; empty if it was written down without one."""


@dataclass(frozen=True)
class Prices:
    """All of them, of one month and one place."""

    dated: str
    place: str
    prices: Mapping[str, Price]
    announced_from: str
    announced: Mapping[str, Price]
    """What is free until then."""

    def usd(self, name: str) -> Decimal:
        """The only price, or the first."""
        return self.prices[name].usd[0]

    def later_usd(self, name: str) -> Decimal:
        """One that is announced."""
        return self.announced[name].usd[0]

    def traffic_usd(self, gib: Decimal) -> Decimal:
        """Each part of a month's amount by its own price."""
        first, second = TRAFFIC_STEPS_GIB
        parts = (min(gib, first), min(gib, second) - first, gib - second)
        steps = self.prices["traffic"].usd
        return sum((max(p, Decimal()) * s for p, s in zip(parts, steps, strict=True)), Decimal())


def read(file: Path = FILE) -> Prices:
    """From the file, exactly as they are written there."""
    told = json.loads(file.read_text(), parse_float=Decimal)
    later = told["announced"]
    return Prices(
        told["dated"],
        told["place"],
        _prices(told["prices"]),
        later["from"],
        _prices(later["prices"]),
    )


def _prices(told: Mapping[str, Any]) -> dict[str, Price]:
    return {
        name: Price(each["of"], tuple(map(Decimal, each["usd"])), each["seen"])
        for name, each in told.items()
    }
