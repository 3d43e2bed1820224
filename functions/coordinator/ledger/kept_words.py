"""When a node kept its word: from the passed check with which its pay begins to one that fails.

Whoever stands at one address takes turns by it (`coordinator.ledger.paid_places`).
"""

from dataclasses import dataclass, field

FOR_GOOD_S = float("inf")


@dataclass(frozen=True, slots=True)
class Spell:
    """A time without a failed check."""

    since_s: float
    """When the passed check was due with which pay began, or began again."""
    until_s: float = FOR_GOOD_S
    """When the check was due that failed."""


@dataclass(slots=True)
class KeptWord:
    """A node's, as its checks of an epoch are taken one after the other."""

    since_s: float | None
    """Of the spell that lasts; None if its last check failed, or none has passed yet."""
    over: list[Spell] = field(default_factory=list)
    """Spells that ended in the epoch."""
    passes_s: list[float] = field(default_factory=list)
    """When the epoch's passed checks were due that may pay."""

    def passed(self, at_s: float) -> None:
        """A check did, that may pay."""
        self.passes_s.append(at_s)
        if self.since_s is None:
            self.since_s = at_s

    def failed(self, at_s: float) -> None:
        """A check did."""
        if self.since_s is not None:
            self.over.append(Spell(self.since_s, at_s))
            self.since_s = None

    def spells(self) -> tuple[Spell, ...]:
        """All, the earliest first."""
        return (*self.over, *([] if self.since_s is None else [Spell(self.since_s)]))
