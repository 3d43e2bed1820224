"""The network with what checks have said of lists since its sweep, read several times a minute."""

from dataclasses import dataclass, field

from coordinator.adapters.clock import Clock, steady
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
    _read_s: float | None = None
    """When news were read last, by the steady clock."""
    _news: list[ListingNews] = field(default_factory=list)
    _made: tuple[NetworkView, list[ListingNews], NetworkView] | None = None
    """The last view, and what it was made of."""

    def forget(self) -> None:
        """The next one to ask reads anew."""
        self._read_s, self._news, self._made = None, [], None

    async def listed(self, network: NetworkView) -> NetworkView:
        """The network as lists are to show it."""
        if self._is_old():
            found = await self.measurements.listing_news()
            self._read_s = steady(self.clock)()
            if found != self._news:
                self._news = found
        return self.known(network)

    def at_hand(self, network: NetworkView) -> NetworkView | None:
        """The same, unless something would have to be read for it."""
        return None if self._is_old() else self.known(network)

    def known(self, network: NetworkView) -> NetworkView:
        """The network with the news that were read last, however old; none are read for this."""
        if self._made is None or self._made[0] is not network or self._made[1] is not self._news:
            shown = network
            for each in self._news:
                shown = shown.with_trust(each.untold_at(network.swept_s))
            self._made = network, self._news, shown
        return self._made[2]

    def _is_old(self) -> bool:
        """Whether there may be news."""
        return self._read_s is None or steady(self.clock)() - self._read_s > self.seconds_max
