"""How long to wait before trying again: growing, bounded, and spread out by chance."""

from dataclasses import dataclass

HEARTBEAT_S_MIN, HEARTBEAT_S_MAX = 1.0, 600.0
"""Whatever the coordinator or the operator asks for."""


@dataclass(frozen=True)
class Backoff:
    """Waits that double from `first_s` up to `limit_s` (seconds)."""

    first_s: float
    limit_s: float

    def delay_s(self, failures: int, chance: float) -> float:
        """Seconds to wait after the `failures`-th failure in a row (1 is the first).

        `chance` is a random number in [0, 1): the wait lies between half and all of the
        schedule's value, so that many nodes do not come back in the same instant.
        """
        if failures < 1:
            return 0.0
        # The exponent is bounded: a node that fails for a month must not overflow a float.
        whole_s = min(self.limit_s, self.first_s * 2.0 ** min(failures - 1, 32))
        return whole_s * (0.5 + 0.5 * chance)


def spread_s(pace_s: float, chance: float) -> float:
    """`pace_s` give or take a tenth, by `chance` in [0, 1)."""
    return pace_s * (0.9 + 0.2 * chance)
