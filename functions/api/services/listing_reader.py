"""The network with what checks have said of lists since its sweep, read several times a minute."""

from dataclasses import dataclass

from coordinator.adapters.clock import Clock
from coordinator.adapters.records import Measurements
from coordinator.projections.listing_news import ListingNews
from coordinator.projections.network_view import NetworkView

NEWS_SECONDS = 15.0
"""How old a word about who stands on lists may be: the prober tells of a failed check within ten
seconds, and a dead node is to be off every list within a minute."""


@dataclass
class ListingReader:
    """Reads at most so often, and makes a view only of what is new."""

    measurements: Measurements
    clock: Clock
    seconds_max: float = NEWS_SECONDS
    _read: tuple[float, list[ListingNews]] | None = None
    """The last news, and when they were read."""
    _made: tuple[NetworkView, list[ListingNews], NetworkView] | None = None
    """The last view, and what it was made of."""

    @property
    def is_old(self) -> bool:
        """Whether there may be news."""
        return self._read is None or self.clock() - self._read[0] > self.seconds_max

    def forget(self) -> None:
        """The next one to ask reads anew."""
        self._read = self._made = None

    async def listed(self, network: NetworkView) -> NetworkView:
        """The network as lists are to show it."""
        if self._read is None or self.is_old:
            found = await self.measurements.listing_news()
            same = self._read is not None and self._read[1] == found
            self._read = self.clock(), self._read[1] if self._read and same else found
        return self._made_of(network, self._read[1])

    def at_hand(self, network: NetworkView) -> NetworkView | None:
        """The same, unless something would have to be read for it."""
        return None if self._read is None or self.is_old else self._made_of(network, self._read[1])

    def _made_of(self, network: NetworkView, news: list[ListingNews]) -> NetworkView:
        if self._made is None or self._made[0] is not network or self._made[1] is not news:
            shown = network
            for each in news:
                shown = shown.with_trust(each.states)
            self._made = network, news, shown
        return self._made[2]
