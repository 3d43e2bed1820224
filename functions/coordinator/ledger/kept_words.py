"""When a node kept its word: from the passed check with which its pay begins to one that fails.

Whoever stands at one address takes turns by it (`coordinator.ledger.address_turns`). A turn takes
more: a node is there, and turns no first connection away. Else it would keep for nothing what
others serve for: nobody is checked while it is away.
"""

from dataclasses import dataclass, field

from coordinator.ledger.epoch_minutes import EpochMinutes

FOR_GOOD_S = float("inf")
AWAY_MINUTES_MAX = 5
"""In so many minutes of an epoch a node may be away and keep its turn: a restart, an update and a
router's start take less. Who is there for eleven of twelve minutes only is checked in those."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A time without a failed check."""

    since_s: float
    """When the passed check was due with which it began; of a loose one, when the turn was lost."""
    until_s: float = FOR_GOOD_S
    """When it ended."""
    failed: bool = False
    """Whether that was by a check that failed."""
    is_loose: bool = False
    """Whether the node had lost its turn, and had passed no check since."""


@dataclass(slots=True)
class KeptWord:
    """A node's, as its checks of an epoch are taken one after the other."""

    since_s: float | None
    """Of the spell that lasts; None if the last check failed, or none has passed yet."""
    is_loose: bool = False
    """That spell."""
    over: list[Spell] = field(default_factory=list)
    """Spells that ended in the epoch."""
    passes_s: list[float] = field(default_factory=list)
    """When the epoch's passed checks were due that may pay."""

    def passed(self, at_s: float) -> None:
        """A check did, that may pay."""
        self.passes_s.append(at_s)
        if self.is_loose:
            self._ends(at_s)
        if self.since_s is None:
            self.since_s = at_s

    def failed(self, at_s: float) -> None:
        """A check did."""
        self._ends(at_s, failed=True)

    def faltered(self, at_s: float) -> None:
        """A check passed at its second connection only: who comes once may get nothing."""
        self._loses_turn(at_s)

    def was_there(self, away: int, epoch: EpochMinutes, until_s: float) -> None:
        """Until an instant, but in the minutes `away`; one too many of them costs the turn.

        Those of the epoch count that come after the check with which the spell began."""
        if self.since_s is None:
            return
        within = epoch.until(min(until_s, epoch.ends_s - 1)) & ~epoch.until(self.since_s)
        missed = away & within
        if missed.bit_count() <= AWAY_MINUTES_MAX:
            return
        for _ in range(AWAY_MINUTES_MAX):
            missed &= missed - 1
        one_too_many = (missed & -missed).bit_length() - 1
        self._loses_turn(float(epoch.starts_s + one_too_many * epoch.minute_s))

    def _loses_turn(self, at_s: float) -> None:
        """Until a check passes."""
        if self.since_s is not None and not self.is_loose:
            self._ends(at_s)
            self.since_s, self.is_loose = at_s, True

    def _ends(self, at_s: float, *, failed: bool = False) -> None:
        if self.since_s is not None:
            self.over.append(Spell(self.since_s, at_s, failed, self.is_loose))
        self.since_s, self.is_loose = None, False

    def spells(self) -> tuple[Spell, ...]:
        """All, the earliest first."""
        lasting = () if self.since_s is None else (Spell(self.since_s, is_loose=self.is_loose),)
        return (*self.over, *lasting)
