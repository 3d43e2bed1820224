"""Places for checks: as many at once as the processors can read in time.

A check that finds no place is recorded and not queued: it would come at another second than was
drawn. Its node loses nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from coordinator.checking.check_costs import (
    AT_ONCE_PER_PROCESSOR_MAX,
    EXTRA_SHARE_MAX,
    MEASURED_SHARE_MAX,
    WORK_SHARE_MAX,
    CheckCost,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Taken until it is given back."""

    cost: CheckCost
    is_extra: bool


@dataclass
class Taken:
    """What is taken now."""

    count: int = 0
    work_micros: int = 0

    def fits(self, cost: CheckCost, processors: float) -> bool:
        """Whether one more is within what so many processors can do."""
        is_room = self.count < processors * AT_ONCE_PER_PROCESSOR_MAX
        return is_room and self.work_micros + cost.work_micros <= processors * WORK_SHARE_MAX * 1e6

    def change(self, cost: CheckCost, by: int) -> None:
        """One more, or one less."""
        self.count += by
        self.work_micros += by * cost.work_micros


@dataclass
class Capacity:
    """Half of the places are kept from extra checks: newcomers' and retests."""

    processors: float
    busy: Callable[[], float] = lambda: 0.0
    """Processors that this process has lately kept busy, as measured."""
    all: Taken = field(default_factory=Taken)
    extra: Taken = field(default_factory=Taken)

    def take(self, cost: CheckCost, *, is_extra: bool) -> Place | None:
        """A place, if there is one."""
        if not self.all.fits(cost, self.processors):
            return None
        if is_extra and not self.extra.fits(cost, self.processors * EXTRA_SHARE_MAX):
            return None
        # What is measured lags behind: it only says that the figures were too small.
        if self.all.count and self.busy() > self.processors * MEASURED_SHARE_MAX:
            return None
        self._change(place := Place(cost, is_extra), 1)
        return place

    def give_back(self, place: Place) -> None:
        """Frees a place."""
        self._change(place, -1)

    def take_back(self, place: Place) -> None:
        """The place of a check that comes to its retest, whoever has come meanwhile."""
        self._change(place, 1)

    def _change(self, place: Place, by: int) -> None:
        self.all.change(place.cost, by)
        if place.is_extra:
            self.extra.change(place.cost, by)
