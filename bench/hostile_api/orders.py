"""What one /48 may order of its keys, and what came of it."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

VICTIM = "198.51.101.9"
NETWORK = "2a01:4f8:13:{:x}::1"
NEIGHBOUR = NETWORK.format(7)
"""An address of the network that it shares with others: a target as well."""
TARGETS = (VICTIM, NEIGHBOUR)
HOUSEHOLDS = 65_536


class Doing(StrEnum):
    """What a key may do."""

    JOINS = "joins"
    RETURNS = "returns"
    MOVES = "moves"
    LEAVES = "leaves"
    TURNS = "changes its stream"
    ASKS = "asks to be called back"


class Where(StrEnum):
    """Where a key says that it serves."""

    HOME = "at the address it calls from"
    NEIGHBOUR = "at an address that it calls from, and others too"
    VICTIM = "at the victim's address"
    NAME_HOME = "by a name that leads home"
    NAME_VICTIM = "by a name that leads to the victim"
    NAME_NEIGHBOUR = "by a name that leads to the neighbour"
    NAME_TURNS = "by a name that leads home, and in every other minute to a target"
    NAME_PROBER = "by a name that leads the prober to a target and the collector home"
    NOWHERE = "by a name that leads nowhere"


class Order(NamedTuple):
    """What so many keys do in a minute, from the first one on."""

    act: Doing
    where: Where
    first: int
    keys: int


@dataclass
class Caused:
    """What came of it."""

    requests: dict[str, Counter[int]] = field(
        default_factory=lambda: {target: Counter() for target in TARGETS}
    )
    """By target: those that are no polls, by the second."""
    polled_max: int = 0
    """Nodes that one target was polled for in one sweep."""
    slots_max: int = 0
    """Polled slots that the network had at once."""
    lost_restarts: int = 0
    """Honest nodes that restarted and found no slot."""

    def in_an_hour(self) -> int:
        """The most requests at one target within any hour."""
        most = 0
        for counts in self.requests.values():
            for begin_s in counts:
                hour = range(begin_s, begin_s + 3_600)
                most = max(most, sum(n for at_s, n in counts.items() if at_s in hour))
        return most
