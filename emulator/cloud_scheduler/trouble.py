"""Triggers that go wrong on request: a schedule that is at least once must be lived with."""

import random
from dataclasses import dataclass, field

LATE_S_MAX = 30.0


class TroubleError(ValueError):
    """A wish for trouble that cannot be granted; the message says what to write."""


@dataclass(frozen=True)
class Trouble:
    """How often, from 0 to 1, a trigger comes twice, late, or never."""

    duplicate: float = 0.0
    late: float = 0.0
    lost: float = 0.0
    late_s_max: float = LATE_S_MAX
    dice: random.Random = field(default_factory=random.Random)

    @classmethod
    def parse(cls, text: str) -> "Trouble":
        """From `duplicate=0.1,late=0.2,lost=0.05`. Raises TroubleError."""
        shares: dict[str, float] = {}
        for entry in filter(None, text.split(",")):
            kind, _, share = entry.partition("=")
            try:
                shares[kind] = float(share)
            except ValueError:
                raise TroubleError(f"write {kind}=0.1, not {entry!r}") from None
            if kind not in ("duplicate", "late", "lost") or not 0 <= shares[kind] <= 1:
                raise TroubleError(f"write duplicate=, late= or lost=, each 0 to 1, not {entry!r}")
        return cls(shares.get("duplicate", 0.0), shares.get("late", 0.0), shares.get("lost", 0.0))

    def delays(self) -> list[float]:
        """For one trigger, the seconds after which it is delivered: none, once or twice."""
        if self.dice.random() < self.lost:
            return []
        first = self.dice.uniform(0, self.late_s_max) if self.dice.random() < self.late else 0.0
        if self.dice.random() < self.duplicate:
            return [first, first + self.dice.uniform(0, 1)]
        return [first]
