"""What one source may cause, and what may be done to one target: every figure in one table.

A source is a node's key, an address (IPv4 /32, IPv6 /64) and a network (/24, /48). Keys cost
nothing, and a household holds 2^64 addresses: so whatever a stranger can cause is counted for each
of them. What is sent to somebody else is counted by target too. Pure: time is an argument.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from coordinator.strangers.networks import one_address, places_of
from coordinator.strangers.token_buckets import Rates


class Side(StrEnum):
    """By what something is counted."""

    NODE = "node"
    ADDRESS = "address"
    NETWORK = "network"
    OWN_TARGET = "the caller's own address"
    TARGET = "another's address"
    NETWORK_AT_TARGET = "another's address, by the caller's network"


class Allowance(NamedTuple):
    """So many at once, and one more each `every_s` seconds."""

    burst: int
    every_s: float

    def most_in(self, seconds: float) -> int:
        """The most that fit into any time of that length."""
        return self.burst + int(seconds / self.every_s)


Sides = Mapping[Side, str]
"""Who does something, or to whom it is done; what is missing is not counted."""
Limits = Mapping[Side, Allowance]

API_INSTANCES = 10
"""So many instances of the api there may be, each of which counts for itself."""

NEW_KEYS: Limits = {
    # One of an address is paid: else one machine could fill a roster, and all places for checks.
    Side.ADDRESS: Allowance(16, 600.0),
    # A hundred a day at each instance: with all of them a tenth of a roster's ten thousand nodes.
    Side.NETWORK: Allowance(64, 2_400.0),
}
SLOTS: Limits = {
    # New, moved and returned ones. A node that restarts in a loop waits ten minutes from the
    # ninth time on; whoever was turned away asks again as often.
    Side.NODE: Allowance(8, 600.0),
    Side.ADDRESS: Allowance(128, 60.0),
    Side.NETWORK: Allowance(1_024, 10.0),
}
ELSEWHERE: Limits = {
    # Slots, new or moved, at another address than the node calls from: of whoever calls, as
    # nobody knows yet whose that is. Three sweeps without an answer end them, so those of all
    # instances and the network's share of a roster are together a tenth of it.
    Side.ADDRESS: Allowance(16, 60.0),
    Side.NETWORK: Allowance(32, 60.0),
}
WRITES: Limits = {
    # Of what a node says of itself: an address, a port, a version.
    Side.NODE: Allowance(16, 60.0),
    Side.ADDRESS: Allowance(256, 10.0),
    Side.NETWORK: Allowance(1_024, 1.0),
}
CALL_BACKS: Limits = {
    Side.NODE: Allowance(1, 10.0),
    Side.ADDRESS: Allowance(8, 60.0),
    Side.NETWORK: Allowance(32, 30.0),
}
CALLED_BACK: Limits = {
    # All networks together; each has its turns, beside.
    Side.TARGET: Allowance(16, 120.0),
}


class Turns(NamedTuple):
    """So many calls in each turn of so many seconds, numbered by the clock."""

    calls: int
    seconds: int

    def most_in(self, seconds: int) -> int:
        """The most in any time of that length, which is a whole number of turns."""
        return self.calls * (seconds // self.seconds + 1)


CALL_BACK_TURNS: Mapping[Side, Turns] = {
    # Of all instances together: a target is not to be called ten times as often by ten of them.
    # At one's own address there are two requests each time: 36 an hour.
    Side.OWN_TARGET: Turns(3, 720),
    # At another's there is one, unless it answers as the caller: seven an hour.
    Side.NETWORK_AT_TARGET: Turns(1, 600),
}
CHECKED: Limits = {
    # Connections to an address that is not known to be the node's whose name leads there. After a
    # pass its statistics are asked: two requests each at most, sixteen an hour.
    Side.TARGET: Allowance(4, 900.0),
}


class Bounds:
    """Counts one kind of thing, by all its sides at once."""

    def __init__(self, limits: Limits) -> None:
        self._rates = {
            side: Rates(1 / limit.every_s, limit.burst) for side, limit in limits.items()
        }

    def wait_s(self, sides: Sides, now_s: float) -> tuple[int, Side | None]:
        """(0, None) if it may be done, which counts for all sides. Else whole seconds to wait and
        which side it is that waits: then it counts for none."""
        taken: list[Side] = []
        for side, rates in self._rates.items():
            if side not in sides:
                continue
            wait_s = rates.wait_s(sides[side], now_s)
            if wait_s:
                for before in taken:
                    self._rates[before].give_back(sides[before])
                return wait_s, side
            taken.append(side)
        return 0, None


def source_of(address: str, node_id: str | None = None) -> dict[Side, str]:
    """The sides of whoever calls. An address inside somebody's own network is not counted: whoever
    runs a coordinator there knows who calls."""
    place, network = places_of(address)
    sides = {} if node_id is None else {Side.NODE: node_id}
    if place and network:
        sides |= {Side.ADDRESS: place, Side.NETWORK: network}
    return sides


def target_of(address: str, caller: str) -> dict[Side, str]:
    """The sides of whom a call goes to that `caller` asked for, both of them addresses."""
    place, _ = places_of(address)
    if place is None:
        return {}
    if address == caller:
        return {Side.OWN_TARGET: place}
    _, network = places_of(caller)
    by_network = f"{place} by {network or one_address(caller)}"
    return {Side.NETWORK_AT_TARGET: by_network, Side.TARGET: place}
