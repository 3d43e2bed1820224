"""What a month of a network costs, line by line. Pure: amounts times prices, no free tiers.

What is assumed of the programs stands here as constants; a test holds each to its source. What is
deployed is in `deployed.json`, out of Terraform's plan.
"""

import math
from dataclasses import dataclass
from decimal import Decimal

from tools.cost.prices import Prices
from tools.cost.usage import GIB, HOUR_S, MONTH_H, Usage

BEAT_S = 300
"""Between two heartbeats of a node that is well."""
BEAT_BUSY_S = Decimal("0.1")
"""How long a beat keeps an instance of the api."""
UPTIME_PLACES, UPTIME_S = 6, 300
"""From where Google looks whether the api answers, and how often from each."""
SWEEP_S = 5
"""Of the collector, each minute: as long as it waits for a node that says nothing."""
IDLE_RUN_S = 2
"""Of the prober, each minute in which no stream is live."""
PAYOUT_S, PAYOUTS_AN_HOUR = 3, 6
"""Settling takes 1.5 s of a processor an hour at 10,000 nodes."""
IMAGES_GIB, ARCHIVES_GIB = 2, 1
STORED_GIB = 5
"""Both databases with their past and their backups, at 10,000 nodes: reckoned, not measured."""
STORED_LEAST_GIB = 1
READS_A_DAY, WRITES_A_DAY = (13_110, Decimal("0.61")), (8_488, Decimal("0.60"))
"""Of the usage, and of each node: a line through what `make bench-store` counts."""
LOG_BYTES, POLL_BYTES, ANSWER_BYTES = 1000, 500, 2000
"""Of a request's line in the log, of a poll, of the answer to a beat: reckoned, not measured."""
TRAFFIC = ("ingest traffic", "our own pulls", "polls and answers")
"""Lines that are traffic: everything else is what a network costs besides."""
QUERIES_AN_HOUR = 120
"""Of each condition of an alert."""


@dataclass(frozen=True)
class Expense:
    """One item of the bill."""

    name: str
    usd: Decimal


def bill(usage: Usage, prices: Prices) -> list[Expense]:
    """Every line, the dearest first."""
    lines = [
        *_traffic(usage, prices),
        Expense("api", _api(usage, prices)),
        Expense("collector", _collector(usage, prices)),
        Expense("prober", _prober(usage, prices)),
        Expense("payout", _payout(usage, prices)),
        Expense("machines", _machines(usage, prices)),
        *_kept(usage, prices),
    ]
    return sorted(lines, key=lambda line: -line.usd)


def total(lines: list[Expense]) -> Decimal:
    """All of them."""
    return sum((line.usd for line in lines), Decimal())


def besides_traffic(lines: list[Expense]) -> Decimal:
    """All but what is traffic."""
    return total([line for line in lines if line.name not in TRAFFIC])


def alerts_usd(usage: Usage, prices: Prices) -> Decimal:
    """What alerts come to once they are paid for."""
    points = MONTH_H * QUERIES_AN_HOUR * prices.later_usd("point")
    return usage.deployed.metrics * (prices.later_usd("condition") + points)


def _traffic(usage: Usage, prices: Prices) -> list[Expense]:
    """Each part of the prober pulls beside the nodes, and a good control node that is elsewhere."""
    elsewhere = len(usage.deployed.other_machines)
    ours = usage.parts + elsewhere if usage.nodes else 0
    of_nodes = usage.pulled_gib(usage.nodes)
    polls = Decimal(usage.nodes * MONTH_H * 60 * POLL_BYTES) / GIB
    answers = Decimal(_beats(usage) * ANSWER_BYTES) / GIB
    # Of one month together: what comes on top is paid by the price that the nodes' has reached.
    with_ours = of_nodes + usage.pulled_gib(ours)
    steps = [of_nodes, with_ours, with_ours + polls + answers]
    usd = [prices.traffic_usd(gib) for gib in steps]
    costs = (usd[0], usd[1] - usd[0], usd[2] - usd[1])
    return [Expense(name, each) for name, each in zip(TRAFFIC, costs, strict=True)]


def _beats(usage: Usage) -> int:
    return usage.nodes * MONTH_H * HOUR_S // BEAT_S


def _looks(usage: Usage) -> int:
    """Uptime checks; one of them asks the ingest, and not the api."""
    return (usage.deployed.uptime_checks - 1) * UPTIME_PLACES * MONTH_H * HOUR_S // UPTIME_S


def _second_usd(usage: Usage, prices: Prices, name: str) -> Decimal:
    service = usage.deployed.services[name]
    return service.cpu * prices.usd("cpu") + service.gib * prices.usd("gib")


def _api(usage: Usage, prices: Prices) -> Decimal:
    """Requests that overlap share an instance."""
    requests = _beats(usage) + _looks(usage)
    a_second = Decimal(requests) / (MONTH_H * HOUR_S)
    share = Decimal(1 - math.exp(-a_second * BEAT_BUSY_S))
    busy_s = MONTH_H * HOUR_S * share
    return requests * prices.usd("request") + busy_s * _second_usd(usage, prices, "api")


def _collector(usage: Usage, prices: Prices) -> Decimal:
    busy_s = usage.awake_h * 60 * SWEEP_S * usage.parts
    return busy_s * _second_usd(usage, prices, "collector")


def _prober(usage: Usage, prices: Prices) -> Decimal:
    """All the time while the stream is live, and a moment of each other minute."""
    idle_s = (usage.awake_h - usage.live_h) * 60 * IDLE_RUN_S
    busy_s = usage.live_h * HOUR_S + idle_s
    return busy_s * _second_usd(usage, prices, "prober") * usage.parts


def _payout(usage: Usage, prices: Prices) -> Decimal:
    """It is never paused."""
    busy_s = MONTH_H * PAYOUTS_AN_HOUR * PAYOUT_S * usage.parts
    return busy_s * _second_usd(usage, prices, "payout")


def _machines(usage: Usage, prices: Prices) -> Decimal:
    types = (usage.machine.type, *usage.deployed.other_machines)
    return MONTH_H * sum((prices.usd(each) + prices.usd("address") for each in types), Decimal())


def _kept(usage: Usage, prices: Prices) -> list[Expense]:
    """What is stored, logged and called."""
    deployed, awake_days = usage.deployed, usage.awake_h / 24
    reads, writes = (
        awake_days * (each[0] + usage.nodes * each[1]) for each in (READS_A_DAY, WRITES_A_DAY)
    )
    logged = _beats(usage) + _looks(usage) + usage.awake_h * 60 * 3 * usage.parts
    stored_gib = max(Decimal(STORED_LEAST_GIB), Decimal(STORED_GIB * usage.nodes) / 10_000)
    firestore = reads * prices.usd("read") + writes * prices.usd("write")
    jobs = deployed.jobs + (usage.parts - 1) * deployed.jobs_a_part
    disks_gb = deployed.disk_gb * (1 + len(deployed.other_machines))
    images = IMAGES_GIB * prices.usd("image") + ARCHIVES_GIB * prices.usd("archive")
    return [
        Expense("disks", disks_gb * prices.usd("disk")),
        Expense("logs", Decimal(logged) * LOG_BYTES / GIB * prices.usd("log")),
        Expense("Firestore", firestore + stored_gib * prices.usd("stored")),
        Expense("jobs", jobs * prices.usd("job")),
        Expense("secrets", deployed.secrets * prices.usd("secret")),
        Expense("images", images),
    ]
