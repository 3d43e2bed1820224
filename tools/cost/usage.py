"""Of what a month is reckoned: nodes, hours and bit rate, and which network that takes."""

import math
from dataclasses import dataclass
from decimal import Decimal

from tools.cost.deployed import Deployed, IngestMachine, ingest_machines, read

MONTH_H = 730
HOUR_S = 3600
GIB = 2**30
NODES_PER_PART = 10_000
"""Of the prober, and of a shard."""
REST_MINUTES_A_DAY = 25
"""In which jobs run while nobody is there."""
DEPLOYED = read()
MACHINES = ingest_machines()


@dataclass(frozen=True)
class Usage:
    """Nodes that stay all month, and one stream that is live for some hours of it."""

    nodes: int
    hours: int = 100
    mbits: Decimal = Decimal(4)

    @property
    def sent_mbits(self) -> Decimal:
        """By the ingest, at a time, while the stream is live."""
        return self.nodes * self.mbits

    @property
    def size(self) -> str:
        """As `size` of Terraform."""
        return "small" if self.sent_mbits <= MACHINES["small"][-1].mbits else "large"

    @property
    def deployed(self) -> Deployed:
        """What that is."""
        return DEPLOYED[self.size]

    @property
    def machine(self) -> IngestMachine:
        """The ingest's: the least that sends so much, or the largest."""
        table = MACHINES[self.size]
        return next((each for each in table if self.sent_mbits <= each.mbits), table[-1])

    @property
    def is_too_much(self) -> bool:
        """Whether no machine sends so much."""
        return self.sent_mbits > self.machine.mbits

    @property
    def parts(self) -> int:
        """Shards, and instances of the prober."""
        return max(1, math.ceil(self.nodes / NODES_PER_PART))

    @property
    def awake_h(self) -> Decimal:
        """In which jobs run: nearly none where there are no nodes."""
        rest = Decimal(MONTH_H) / 24 * REST_MINUTES_A_DAY / 60
        return Decimal(MONTH_H) if self.nodes else rest

    @property
    def live_h(self) -> Decimal:
        """In which the prober checks."""
        return Decimal(self.hours if self.nodes else 0)

    def pulled_gib(self, pulls: int) -> Decimal:
        """By so many who pull the stream while it is live."""
        return pulls * self.mbits * 10**6 / 8 * self.hours * HOUR_S / GIB
