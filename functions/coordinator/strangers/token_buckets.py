"""How often somebody may do something: token buckets in bounded memory. Pure: time is an argument.

Each process counts for itself: a rate keeps one caller from crowding out others, it is no quota.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from math import ceil


@dataclass
class Rates:
    """`burst` calls at once, refilled at `per_second`; forgets the callers it saw longest ago.

    A forgotten caller starts with a full bucket, which is what an idle one would have: buckets
    are only forgotten early when more than `callers_max` are active, and then strangers gain
    at most one burst each."""

    per_second: float
    burst: int
    callers_max: int = 20_000
    _buckets: OrderedDict[str | int, tuple[float, float]] = field(default_factory=OrderedDict)
    """(tokens left, when that was), least lately seen first."""

    def wait_s(self, caller: str | int, now_s: float) -> int:
        """0 if the caller may go on, else whole seconds to wait; a refused call costs nothing."""
        left, _ = self._left(caller, now_s)
        self._buckets.pop(caller, None)
        may = left >= 1.0
        self._buckets[caller] = (left - 1.0 if may else left, now_s)
        while len(self._buckets) > self.callers_max:
            self._buckets.popitem(last=False)
        return 0 if may else self._wait_s(left)

    def would_wait_s(self, caller: str | int, now_s: float) -> int:
        """The same for a call that is not made: it costs nothing and is not remembered."""
        left, is_known = self._left(caller, now_s)
        return self._wait_s(left) if is_known and left < 1.0 else 0

    def give_back(self, caller: str | int) -> None:
        """A call that `wait_s` let go on was refused for another reason: it costs nothing."""
        if caller in self._buckets:
            left, at_s = self._buckets[caller]
            self._buckets[caller] = (left + 1.0, at_s)

    def _left(self, caller: str | int, now_s: float) -> tuple[float, bool]:
        """The calls that it has left, and whether it has called before."""
        full = float(self.burst)
        left, at_s = self._buckets.get(caller, (full, now_s))
        left = min(full, left + max(0.0, now_s - at_s) * self.per_second)
        return left, caller in self._buckets

    def _wait_s(self, left: float) -> int:
        return ceil((1.0 - left) / self.per_second)
