"""How many nodes may have one address polled that has not agreed to it, and how many a network has.

Anybody may name any address, by as many keys and host names as he likes. An address agrees to be
polled for a node by answering as that node. Whoever names one that does not is one of a few. What
a name leads to is known at its poll alone: so the network's share is held here for names.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, is_ip
from coordinator.strangers.networks import places_of
from coordinator.sweeping.polls import Poll
from coordinator.sweeping.roster_room import NETWORK_SLOTS_MAX, network_of
from coordinator.sweeping.rosters import Slot

STRANGERS_MAX = 4
"""Nodes in one sweep, of all shards, that name an address (IPv6: a /64) which has not answered as
them."""
AGREED_TICKS = 60
"""So long it holds for an address that it has answered: a router that was away for minutes leaves
nobody behind it unpolled."""


class Agreed(NamedTuple):
    """Where a node has answered last, and in which tick."""

    place: str
    network: str
    tick: int


@dataclass
class AskedAddresses:
    """Which address has answered as which node; kept from sweep to sweep."""

    shards: int = 1
    _agreed: dict[str, Agreed] = field(default_factory=dict)
    _is_new: bool = True

    @property
    def networks(self) -> Mapping[str, str]:
        """Where each node has answered lately, by its id."""
        return {node_id: agreed.network for node_id, agreed in self._agreed.items()}

    def at(self, tick: int, due: Iterable[Slot], answered_last: Collection[str]) -> "AskedNow":
        """For one sweep. A new instance knows nothing yet: it goes by who answered last time."""
        since = tick - AGREED_TICKS
        self._agreed = {name: one for name, one in self._agreed.items() if one.tick >= since}
        believed = frozenset(answered_last) if self._is_new else frozenset[str]()
        self._is_new = False
        now = AskedNow(tick, self._agreed, believed, max(1, STRANGERS_MAX // self.shards))
        now.seat(due)
        return now


@dataclass
class AskedNow:
    """The addresses of one sweep."""

    tick: int = 0
    agreed: dict[str, Agreed] = field(default_factory=dict)
    believed: frozenset[str] = frozenset()
    strangers_max: int = STRANGERS_MAX
    _strangers: Counter[str] = field(default_factory=Counter)
    _seats: Counter[str] = field(default_factory=Counter)
    """Of each network: literal addresses, and names that have answered there."""

    def seat(self, due: Iterable[Slot]) -> None:
        """Counts those who have a place in their network."""
        for slot in due:
            known = self.agreed.get(slot.node_id)
            network = network_of(slot.rtmp_host) or (known and known.network)
            if network:
                self._seats[network] += 1

    def require(self, slot: Slot, address: str) -> None:
        """AddressRefused if too many strangers to this address have named it, or too many nodes are
        in its network.

        An address inside somebody's own network is not counted: no stranger can name it. Who was
        up before this instance began is believed at a literal address. A name may lead elsewhere
        by now. If it finds no room that is no fault of its node's."""
        place, network = places_of(address)
        if place is None or network is None:
            return
        known = self.agreed.get(slot.node_id)
        was_up, is_named = slot.node_id in self.believed, not is_ip(slot.rtmp_host)
        if not (known and known.place == place) and not (was_up and not is_named):
            if self._strangers[place] >= self.strangers_max:
                reason = Reason.UNKNOWN_INTERNAL if was_up else Reason.TARGET_CROWDED
                raise AddressRefused(reason, f"too many nodes name {place}")
            self._strangers[place] += 1
        if is_named and not was_up:
            self._take_seat(network, is_seated=known is not None and known.network == network)

    def _take_seat(self, network: str, *, is_seated: bool) -> None:
        """Where there are too many, names give way: literal addresses have their slots."""
        self._seats[network] += not is_seated
        if self._seats[network] > NETWORK_SLOTS_MAX:
            self._seats[network] -= 1
            raise AddressRefused(Reason.NETWORK_FULL, f"{network} has too many nodes")

    def answered(self, node_id: str, address: str) -> None:
        """The address has answered as this node."""
        place, network = places_of(address)
        if place is not None and network is not None:
            self.agreed[node_id] = Agreed(place, network, self.tick)


def in_order(
    due: Iterable[tuple[int, Slot]], before: Mapping[int, Poll], chance: Random
) -> list[tuple[int, Slot]]:
    """Who was silent last time comes first, so that nobody waits for their limits at the end; of
    these who asks for itself.

    Else in an order that nobody can know: no stranger keeps for itself the few polls of an address
    that has not agreed to any."""
    order = list(due)
    chance.shuffle(order)

    def rank(each: tuple[int, Slot]) -> tuple[bool, bool]:
        at, slot = each
        return at in before and not before[at].misses, not slot.calls_from_there

    return sorted(order, key=rank)


def answered_there(slots: Sequence[Slot], before: Mapping[int, Poll], last_s: float) -> set[str]:
    """Who answered in the sweep that began at `last_s`, at the address that it has now."""
    return {
        slots[at].node_id
        for at, poll in before.items()
        if not poll.misses and slots[at].changed_s < last_s
    }
