"""What a node's minutes of an epoch are decided from, beside its checks."""

from dataclasses import dataclass

from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.newcomers import NOT_NEW, Newcomer


@dataclass(frozen=True, slots=True)
class Measured:
    """Its minutes, as bitmaps, and what a check may say of them."""

    up: int
    """Unmeasured minutes counted like the one before included."""
    unknown_alone: int
    """Which of them were unknown of this node alone."""
    unknown_minutes_max: int
    """So many of those a passed check pays."""
    epoch: EpochMinutes
    newcomer: Newcomer = NOT_NEW
    away: int = 0
    """In which it was not there: not up, and by no fault of ours or of the sponsor."""

    def bounded(self, minutes: int, alone_before: int) -> tuple[int, int]:
        """(what a check may pay of these minutes, how many unknown ones are beyond), the earliest
        dropped first. `alone_before`: of those that came along, so many were unknown as well."""
        alone = minutes & self.unknown_alone
        beyond = max(0, alone.bit_count() + alone_before - self.unknown_minutes_max)
        for _ in range(beyond - alone_before):
            earliest = alone & -alone
            minutes, alone = minutes & ~earliest, alone & ~earliest
        return minutes, beyond
