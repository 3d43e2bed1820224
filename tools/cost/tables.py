"""The tables of docs/ops.md, and what is printed of one usage."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from tools.cost.bill import TRAFFIC, alerts_usd, besides_traffic, bill, total
from tools.cost.prices import Prices
from tools.cost.usage import MONTH_H, Usage

SHOWN = ("machines", "prober", "collector", "api")
"""Columns of their own, of what is no traffic; all others together are one."""
NETWORKS = (
    Usage(0, 0),
    *(Usage(nodes, hours) for nodes in (10, 100, 1000, 10_000) for hours in (100, MONTH_H)),
)
GOALS = (
    ("10 nodes, live for 100 h, everything but traffic", Usage(10), 60, "249 before"),
    ("at rest", Usage(0, 0), 15, "102 before"),
)


def price_table(prices: Prices) -> str:
    """One row for each price."""
    rows = [
        f"| `{name}` | {', '.join(format(usd, 'f') for usd in price.usd)} | "
        f"{'yes' if price.seen else 'no'} | {price.of} |"
        for name, price in {**prices.prices, **prices.announced}.items()
    ]
    return "\n".join(["| price | USD | looked up | of |", "|---|---|---|---|", *rows])


def cost_table(prices: Prices) -> str:
    """One row for each network, in whole dollars."""
    head = ("nodes", "live", "size", "traffic", *SHOWN, "all else", "besides traffic", "together")
    rows = [_row(usage, prices) for usage in NETWORKS]
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows])


def _row(usage: Usage, prices: Prices) -> str:
    lines = bill(usage, prices)
    by_name = {line.name: line.usd for line in lines}
    traffic = sum((by_name[name] for name in TRAFFIC), Decimal())
    shown, besides = [by_name[name] for name in SHOWN], besides_traffic(lines)
    cells = [traffic, *shown, besides - sum(shown), besides, total(lines)]
    live = "always" if usage.hours == MONTH_H else f"{usage.hours} h"
    return (
        f"| {usage.nodes:,} | {live if usage.nodes else 'at rest'} | {usage.size} | "
        f"{' | '.join(_whole(cell) for cell in cells)} |"
    )


def _whole(usd: Decimal) -> str:
    return f"{round(usd):,}"


def told(usage: Usage, prices: Prices) -> Iterator[str]:
    """Of one usage: what dominates, every line, and whether a machine can send as much."""
    lines = bill(usage, prices)
    together, first = total(lines), lines[0]
    yield (
        f"{first.name} is {first.usd / together:.0%} of {_whole(together)} USD a month "
        f"(prices of {prices.dated}, {prices.place}, no free tier taken off)."
    )
    yield f"A {usage.size} network: the ingest on {usage.machine.type}."
    yield ""
    yield from (f"  {line.name:<18}{line.usd:>14,.2f}" for line in lines)
    yield f"  {'besides traffic':<18}{besides_traffic(lines):>14,.2f}"
    yield f"  {'together':<18}{together:>14,.2f}"
    yield ""
    later = alerts_usd(usage, prices)
    yield f"Alerts are free until {prices.announced_from}: then {later:.2f} more."
    if usage.is_too_much:
        yield (
            f"No machine sends {usage.sent_mbits / 1000:,.1f} Gbit/s to the internet: at most "
            f"{usage.machine.mbits / 1000:.0f}. Put the ingest where traffic is flat-rate, or let "
            "nodes pull from nodes."
        )


def document(prices: Prices) -> Mapping[str, Any]:
    """What is held to a goal, as build/cost.json has it."""
    return {"rows": [_goal(*each, prices) for each in GOALS]}


def _goal(name: str, usage: Usage, goal: int, peer: str, prices: Prices) -> Mapping[str, Any]:
    value = besides_traffic(bill(usage, prices))
    return {
        "name": name,
        "value": float(round(value, 2)),
        "unit": "USD a month",
        "goal": f"<= {goal}",
        "peer": peer,
        "met": value <= goal,
    }
