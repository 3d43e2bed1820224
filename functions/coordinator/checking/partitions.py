"""Partitions: the parts that the prober's work is divided into, each with an instance of its own.

Their count is the setting PARTITIONS. A part checks its share of the nodes, records its own runs
and keeps its own trust book. Control nodes are everybody's: each part's checking is checked. Pure.
"""

from dataclasses import dataclass

from coordinator.keys import shard_of

PARTITIONS_MAX = 16


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """One part of so many."""

    number: int = 0
    """From 0 on."""
    count: int = 1

    def holds(self, node_id: str) -> bool:
        """Whether the node is of this part."""
        return self.count == 1 or shard_of(node_id, self.count) == self.number

    @property
    def suffix(self) -> str:
        """Ends the ids of its documents; nothing where nothing is divided."""
        return "" if self.count == 1 else f"-{self.number}of{self.count}"

    @property
    def book_id(self) -> str:
        """Names its trust book."""
        return "0" if self.count == 1 else f"{self.number}of{self.count}"


UNDIVIDED = Partition()


def partitions_of(count: int) -> list[Partition]:
    """Every part of so many."""
    return [Partition(number, count) for number in range(count)]
