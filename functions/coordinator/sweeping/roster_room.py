"""How much room a roster has, and for whom: a document's limit, and a network's share of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coordinator.reasons import Reason
from coordinator.strangers.networks import places_of

if TYPE_CHECKING:
    from coordinator.sweeping.rosters import Slot

SLOTS_MAX = 12_000
CHARACTERS_MAX = 870_000
"""Of all slots' ids and addresses: compressed, a roster and its page stay below a document's
limit whatever they are. Ten thousand nodes may have host names of 30 characters."""
NEARLY_FULL_PERCENT = 80
"""Of either limit, ops are told so: 9,600 nodes of the ten thousand that a shard is made for."""
NETWORK_SLOTS_MAX = 640
"""Polled at once in one /24 or /48, wherever their names lead. With those that it may have tried
elsewhere meanwhile (`source_bounds.ELSEWHERE`) they are a tenth of the ten thousand nodes that a
shard is made for."""


@dataclass(slots=True)
class RosterRoom:
    """What is taken of a roster."""

    slots: int = 0
    characters: int = 0
    of_network: Counter[str] = field(default_factory=Counter)
    """Polled slots by the network of their host, where that is a public address."""
    networks: Mapping[str, str] = field(default_factory=dict)
    """Of hosts that have a name, as far as it is known where that leads; by node id."""

    @classmethod
    def taken_by(
        cls, slots: Iterable["Slot"], networks: Mapping[str, str] | None = None
    ) -> "RosterRoom":
        """All that these slots take."""
        room = cls(networks=networks or {})
        for slot in slots:
            room.add(slot)
        return room

    def add(self, slot: "Slot") -> None:
        """One slot more."""
        self.slots += 1
        self.characters += slot.characters
        network = self._network_of(slot)
        if network and slot.left_tick is None:
            self.of_network[network] += 1

    def leave(self, slot: "Slot") -> None:
        """A slot is polled no more; it still stands there."""
        network = self._network_of(slot)
        if network:
            self.of_network[network] -= 1

    def move(self, old: "Slot", new: "Slot") -> None:
        """A polled slot has another address."""
        self.slots -= 1
        self.characters -= old.characters
        self.leave(old)
        self.add(new)

    def refusal(self, host: str, characters: int) -> Reason | None:
        """Why a slot with this host, that takes so many characters, is not made; None if it is."""
        network = network_of(host)
        if network and self.of_network[network] >= NETWORK_SLOTS_MAX:
            return Reason.NETWORK_FULL
        has_room = self.slots < SLOTS_MAX and self.characters + characters <= CHARACTERS_MAX
        return None if has_room else Reason.ROSTER_FULL

    def may_move(self, old: "Slot", new: "Slot") -> bool:
        """Whether a slot's other address fits."""
        before, after = self._network_of(old), network_of(new.rtmp_host)
        is_at_home = not after or before == after
        fits = self.characters + new.characters - old.characters <= CHARACTERS_MAX
        return fits and (is_at_home or self.of_network[after or ""] < NETWORK_SLOTS_MAX)

    def lacks(self, slots: int, characters: int) -> bool:
        """Whether so many more do not fit."""
        return self.slots + slots > SLOTS_MAX or self.characters + characters > CHARACTERS_MAX

    def _network_of(self, slot: "Slot") -> str | None:
        return network_of(slot.rtmp_host) or self.networks.get(slot.node_id)


def percent_taken(slots: Iterable["Slot"]) -> int:
    """How much of a roster these take, by the limit that is nearer."""
    sizes = [slot.characters for slot in slots]
    return max(100 * len(sizes) // SLOTS_MAX, 100 * sum(sizes) // CHARACTERS_MAX)


def network_of(host: str) -> str | None:
    """None for names, and for addresses inside somebody's own network."""
    return places_of(host)[1]
