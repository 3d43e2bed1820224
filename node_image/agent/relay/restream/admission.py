"""Who may connect: limits for each address and for all, so that no stranger takes all places.

An address is IPv4, or a /64 of IPv6 (agent.places). Its own limit counts only once half of all
places are taken: behind carrier NAT hundreds of honest viewers share one address. So does that of a
network, a /24 or a /48: its owner has as many addresses as it likes.
"""

from collections import Counter
from dataclasses import dataclass, field

from agent.places import network_of

CONNECTIONS_MAX = 4_000
"""Of all: each costs a socket, and a slow viewer two megabytes."""
ADDRESS_CONNECTIONS_MAX = 64
"""Of one address, once half of all places are taken."""
NETWORK_SHARE_MAX = 0.25
"""Of all places, for one network, once half of all places are taken."""
ARRIVALS_PER_S = 200.0
ARRIVALS_AT_ONCE = 400
"""Connections of one address: a crowd that comes back behind one address still fits in."""
MEMORY_BYTES_MAX = 512_000_000
"""Of all queues: beyond it nobody new is let in, and nobody who watches is dropped."""
MEMORY_SHARE_MAX = 0.25
"""Of a small machine's memory: who reads nothing must not have the system end the relay."""
ADDRESSES_MAX = 20_000


@dataclass
class Admission:
    """Counts connections. Pure: told the time, in seconds that only grow."""

    connections_max: int = CONNECTIONS_MAX
    memory_bytes_max: int = MEMORY_BYTES_MAX
    memory_bytes: int = 0
    """What all queues hold, as last measured."""
    refused: Counter[str] = field(default_factory=Counter)
    """By reason."""
    _by_place: Counter[str] = field(default_factory=Counter)
    _by_network: Counter[str] = field(default_factory=Counter)
    _total: int = 0
    _arrivals: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Tokens left of an address, and when they were counted."""

    def admit(self, place: str, now_s: float) -> bool:
        """Whether one more may come; counted as present if so."""
        reason = self._objection(place, now_s)
        if reason:
            self.refused[reason] += 1
            return False
        self._by_place[place] += 1
        self._by_network[network_of(place)] += 1
        self._total += 1
        return True

    def leave(self, place: str) -> None:
        """One that was admitted is gone."""
        self._total -= 1
        for counted, key in ((self._by_place, place), (self._by_network, network_of(place))):
            counted[key] -= 1
            if not counted[key]:
                del counted[key]

    @property
    def connections(self) -> int:
        """How many are present."""
        return self._total

    def _objection(self, place: str, now_s: float) -> str:
        if self._total >= self.connections_max:
            return "full"
        if self.memory_bytes > self.memory_bytes_max:
            return "memory"
        is_busy = self._total >= self.connections_max / 2
        if is_busy and self._by_place[place] >= ADDRESS_CONNECTIONS_MAX:
            return "address_full"
        network_max = self.connections_max * NETWORK_SHARE_MAX
        if is_busy and self._by_network[network_of(place)] >= network_max:
            return "network_full"
        return "" if self._may_arrive(place, now_s) else "too_often"

    def _may_arrive(self, place: str, now_s: float) -> bool:
        """A bucket of tokens for each address; the one not seen for longest is forgotten."""
        left, counted_s = self._arrivals.pop(place, (float(ARRIVALS_AT_ONCE), now_s))
        left = min(ARRIVALS_AT_ONCE, left + (now_s - counted_s) * ARRIVALS_PER_S)
        may = left >= 1
        self._arrivals[place] = (left - 1 if may else left, now_s)
        if len(self._arrivals) > ADDRESSES_MAX:
            del self._arrivals[next(iter(self._arrivals))]
        return may
