"""An epoch's minutes: bit i of a bitmap is the i-th."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EpochMinutes:
    """From when to when they go, and how long each is."""

    starts_s: int
    ends_s: int
    minute_s: int

    @property
    def count(self) -> int:
        """How many there are."""
        return (self.ends_s - self.starts_s) // self.minute_s

    def until(self, at_s: float) -> int:
        """Those up to the one that an instant lies in, as a bitmap."""
        return (1 << max(0, int(at_s - self.starts_s) // self.minute_s + 1)) - 1
