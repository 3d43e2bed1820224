"""Shards: the parts that nodes are divided into, each polled by itself.

Their count is the setting SHARDS. What one count measured is never mixed with what another one
did: a shard is named with its count, in memory and in every document's id.
"""

import re
from dataclasses import dataclass

from coordinator.keys import shard_of

SHARDS_MAX = 64
_NAME = re.compile(r"([0-9]{1,2})of([0-9]{1,2})")


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """One part of so many."""

    number: int
    """From 0 on."""
    count: int

    def __str__(self) -> str:
        return f"{self.number}of{self.count}"

    def holds(self, node_id: str) -> bool:
        """Whether the node is of this part."""
        return shard_of(node_id, self.count) == self.number

    @classmethod
    def parse(cls, name: str) -> "Shard":
        """The shard that is called so; ValueError if none is."""
        found = _NAME.fullmatch(name)
        if found is None:
            raise ValueError("a shard is named like 0of2: its number, and how many there are")
        return cls(int(found[1]), int(found[2]))


WHOLE = Shard(0, 1)
"""The only one, where nodes are not divided."""


def all_of(count: int) -> list[Shard]:
    """Every shard of a division into so many."""
    return [Shard(number, count) for number in range(count)]
