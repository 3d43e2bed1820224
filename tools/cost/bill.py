"""What a month of a network costs, line by line. Pure: amounts times prices, no free tiers.

What is assumed of the deployment and of the programs stands here as constants; a test holds each to
its source.
"""

import math
from dataclasses import dataclass
from decimal import Decimal

from tools.cost.prices import Prices

MONTH_H = 730
HOUR_S = 3600
GIB = 2**30
BEAT_S = 300
"""Between two heartbeats of a node that is well."""
BEAT_BUSY_S = 0.1
"""How long a beat keeps an instance of the api."""
SWEEP_S = 5
"""Of the collector, each minute."""
REST_MINUTES_A_DAY = 25
"""In which jobs run while nobody is there."""
PROBER_CPUS = 2
NODES_PER_PART = 10_000
"""Of the prober, and of a shard."""
LARGE_FROM_GBITS = 4
"""What the smaller machine of the ingest can send."""
GBITS_MAX = 7
"""What any machine can send to the internet (docs/ops.md)."""
DISKS_GB = (20, 20)
CONDITIONS = 13
SECRETS = 7
IMAGES_GIB = 2
STORED_GIB = 5
"""Both databases with their past and their backups: reckoned, not measured."""
READS_A_DAY, WRITES_A_DAY = (13_110, Decimal("0.61")), (8_488, Decimal("0.60"))
"""Of the usage, and of each node: a line through what `make bench-store` counts."""
LOG_BYTES, POLL_BYTES, ANSWER_BYTES = 1000, 500, 2000
"""Of a request's line in the log, of a poll, of the answer to a beat: reckoned, not measured."""


@dataclass(frozen=True)
class Expense:
    """One item of the bill."""

    name: str
    usd: Decimal


@dataclass(frozen=True)
class Usage:
    """Nodes that stay all month, and one stream that is live for some hours of it."""

    nodes: int
    hours: int = 100
    mbits: Decimal = Decimal(4)

    @property
    def gbits(self) -> Decimal:
        """What the ingest sends at a time while the stream is live."""
        return self.nodes * self.mbits / 1000

    @property
    def parts(self) -> int:
        """Shards, and instances of the prober."""
        return max(1, math.ceil(self.nodes / NODES_PER_PART))

    @property
    def awake_h(self) -> Decimal:
        """In which jobs run: nearly none where there are no nodes."""
        rest = Decimal(MONTH_H) / 24 * REST_MINUTES_A_DAY / 60
        return Decimal(MONTH_H) if self.nodes else rest

    def pulled_gib(self, pulls: int) -> Decimal:
        """By so many who pull the stream while it is live."""
        return pulls * self.mbits * 10**6 / 8 * self.hours * HOUR_S / GIB


def bill(usage: Usage, prices: Prices) -> list[Expense]:
    """Every line, the dearest first."""
    lines = [
        *_traffic(usage, prices),
        Expense("api", _api(usage, prices)),
        Expense("collector", _collector(usage, prices)),
        Expense("prober", _prober(usage, prices)),
        Expense("machines", _machines(usage, prices)),
        *_kept(usage, prices),
    ]
    return sorted(lines, key=lambda line: -line.usd)


def total(lines: list[Expense]) -> Decimal:
    """All of them."""
    return sum((line.usd for line in lines), Decimal())


def _traffic(usage: Usage, prices: Prices) -> list[Expense]:
    """The reference of each part of the prober and the good control node pull beside the nodes."""
    ours = usage.parts + 1 if usage.nodes else 0
    of_nodes = usage.pulled_gib(usage.nodes)
    polls = Decimal(usage.nodes * MONTH_H * 60 * POLL_BYTES) / GIB
    answers = Decimal(_beats(usage) * ANSWER_BYTES) / GIB
    # Of one month together: what comes on top is paid by the price that the nodes' has reached.
    with_ours = of_nodes + usage.pulled_gib(ours)
    steps = [of_nodes, with_ours, with_ours + polls + answers]
    usd = [prices.traffic_usd(gib) for gib in steps]
    return [
        Expense("ingest traffic", usd[0]),
        Expense("our own pulls", usd[1] - usd[0]),
        Expense("polls and answers", usd[2] - usd[1]),
    ]


def _beats(usage: Usage) -> int:
    return usage.nodes * MONTH_H * HOUR_S // BEAT_S


def _api(usage: Usage, prices: Prices) -> Decimal:
    """Beats that overlap share an instance, of one vCPU and half a GiB."""
    share = Decimal(1 - math.exp(-usage.nodes / BEAT_S * BEAT_BUSY_S))
    busy_s = MONTH_H * HOUR_S * share
    a_second = prices.usd("cpu") + prices.usd("gib") / 2
    return _beats(usage) * prices.usd("request") + busy_s * a_second


def _collector(usage: Usage, prices: Prices) -> Decimal:
    busy_s = usage.awake_h * 60 * SWEEP_S * usage.parts
    return busy_s * (prices.usd("cpu") + prices.usd("gib"))


def _prober(usage: Usage, prices: Prices) -> Decimal:
    a_second = PROBER_CPUS * (prices.usd("cpu_on") + prices.usd("gib_on"))
    return usage.awake_h * HOUR_S * a_second * usage.parts


def _machines(usage: Usage, prices: Prices) -> Decimal:
    size = "machine_large" if usage.gbits >= LARGE_FROM_GBITS else "machine_small"
    return MONTH_H * (prices.usd(size) + prices.usd("control") + 2 * prices.usd("address"))


def _kept(usage: Usage, prices: Prices) -> list[Expense]:
    """What is stored, logged and watched."""
    awake_days = usage.awake_h / 24
    reads, writes = (
        awake_days * (each[0] + usage.nodes * each[1]) for each in (READS_A_DAY, WRITES_A_DAY)
    )
    series = CONDITIONS * MONTH_H * 120
    logged = _beats(usage) + usage.awake_h * 60 * 3 * usage.parts
    jobs = 3 * usage.parts + 1
    return [
        Expense("disks", sum(DISKS_GB) * prices.usd("disk")),
        Expense("alerts", CONDITIONS * prices.usd("condition") + series * prices.usd("series")),
        Expense("logs", Decimal(logged) * LOG_BYTES / GIB * prices.usd("log")),
        Expense(
            "Firestore",
            reads * prices.usd("read")
            + writes * prices.usd("write")
            + STORED_GIB * prices.usd("stored"),
        ),
        Expense("jobs", jobs * prices.usd("job")),
        Expense("secrets", SECRETS * prices.usd("secret")),
        Expense("images", IMAGES_GIB * prices.usd("image")),
    ]
