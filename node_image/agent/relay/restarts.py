"""When a relay that ended, or could not be started, is tried again. Pure: told the time."""

from agent.backoff import Backoff

# Ten seconds after its cause has gone, an outage is over.
RETRY = Backoff(first_s=0.5, limit_s=8.0)
AT_ONCE_MAX = 3
"""So many ends within WITHIN_S cost no wait: a stranger who found a way to crash the relay costs
its viewers a second, and not minutes."""
WITHIN_S = 60.0


class Restarts:
    """Remembers how often the relay ended lately."""

    def __init__(self) -> None:
        self._failures = 0
        self._ended_s: list[float] = []

    def forget(self) -> None:
        """There is another task, with other faults."""
        self._failures = 0
        self._ended_s.clear()

    def failed(self, chance: float) -> float:
        """It could not be started; gives the seconds to wait. `chance` lies in [0, 1)."""
        self._failures += 1
        return RETRY.delay_s(self._failures, chance)

    def ended(self, now_s: float, chance: float) -> float:
        """It ran, and ended; gives the seconds to wait."""
        self._failures = 0
        self._ended_s = [at_s for at_s in self._ended_s if now_s - at_s < WITHIN_S] + [now_s]
        return RETRY.delay_s(len(self._ended_s) - AT_ONCE_MAX, chance)
