"""How many nodes may have one address polled that has not agreed to it.

Anybody may name any address, by as many keys and host names as he likes. An address agrees to be
polled for a node by answering as that node. Whoever names one that does not is one of a few.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused
from coordinator.strangers.networks import places_of

STRANGERS_MAX = 4
"""Nodes in one sweep that name an address (IPv6: a /64) which has not answered as them."""
AGREED_TICKS = 60
"""So long it holds for an address that it has answered: a router that was away for minutes leaves
nobody behind it unpolled."""


@dataclass
class AskedAddresses:
    """Which address has answered as which node; kept from sweep to sweep."""

    _agreed: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By node id: its address, and the last tick in which that answered as the node."""
    _is_new: bool = True

    def at(self, tick: int, answered_last: Collection[str]) -> "AskedNow":
        """For one sweep. A new instance knows nothing yet: it goes by who answered last time."""
        since = tick - AGREED_TICKS
        self._agreed = {name: one for name, one in self._agreed.items() if one[1] >= since}
        believed = frozenset(answered_last) if self._is_new else frozenset[str]()
        self._is_new = False
        return AskedNow(tick, self._agreed, believed)


@dataclass
class AskedNow:
    """The addresses of one sweep."""

    tick: int = 0
    agreed: dict[str, tuple[str, int]] = field(default_factory=dict)
    believed: frozenset[str] = frozenset()
    _strangers: Counter[str] = field(default_factory=Counter)

    def require(self, node_id: str, address: str) -> None:
        """AddressRefused if too many strangers to this address have named it.

        An address inside somebody's own network is not counted: no stranger can name it."""
        place, _ = places_of(address)
        if place is None or node_id in self.believed:
            return
        if self.agreed.get(node_id, ("", 0))[0] == place:
            return
        if self._strangers[place] >= STRANGERS_MAX:
            raise AddressRefused(Reason.TARGET_CROWDED, f"too many nodes name {place}")
        self._strangers[place] += 1

    def answered(self, node_id: str, address: str) -> None:
        """The address has answered as this node."""
        place, _ = places_of(address)
        if place is not None:
            self.agreed[node_id] = (place, self.tick)
