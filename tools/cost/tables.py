"""The tables of docs/ops.md, and what is printed of one usage."""

from collections.abc import Iterator
from decimal import Decimal

from tools.cost.bill import GBITS_MAX, MONTH_H, Expense, Usage, bill, total
from tools.cost.prices import Prices

SHOWN = ("ingest traffic", "api", "collector", "prober", "machines")
"""Columns of their own; all others together are one."""
NETWORKS = (
    Usage(0, 0),
    *(Usage(nodes, hours) for nodes in (10, 100, 1000, 10_000) for hours in (100, MONTH_H)),
)


def price_table(prices: Prices) -> str:
    """One row for each price."""
    rows = [
        f"| `{name}` | {', '.join(format(usd, 'f') for usd in price.usd)} | {price.of} |"
        for name, price in prices.prices.items()
    ]
    return "\n".join(["| price | USD | of |", "|---|---|---|", *rows])


def cost_table(prices: Prices) -> str:
    """One row for each usage, in whole USD a month."""
    head = f"| nodes | live | {' | '.join(SHOWN)} | all else | together |"
    rows = [_row(usage, bill(usage, prices)) for usage in NETWORKS]
    return "\n".join([head, "|---" * (len(SHOWN) + 4) + "|", *rows])


def _row(usage: Usage, lines: list[Expense]) -> str:
    by_name = {line.name: line.usd for line in lines}
    shown = [by_name[name] for name in SHOWN]
    cells = [*shown, total(lines) - sum(shown), total(lines)]
    live = "always" if usage.hours == MONTH_H else f"{usage.hours} h"
    return (
        f"| {usage.nodes:,} | {live if usage.nodes else 'at rest'} | "
        f"{' | '.join(_whole(cell) for cell in cells)} |"
    )


def _whole(usd: Decimal) -> str:
    return f"{round(usd):,}"


def told(usage: Usage, prices: Prices) -> Iterator[str]:
    """Of one usage: what dominates, every line, and whether a machine can send as much."""
    lines = bill(usage, prices)
    together = total(lines)
    first = lines[0]
    yield (
        f"{first.name} is {first.usd / together:.0%} of {_whole(together)} USD a month "
        f"(prices of {prices.dated}, {prices.place}, no free tier taken off)."
    )
    yield ""
    yield from (f"  {line.name:<18}{line.usd:>14,.2f}" for line in lines)
    yield f"  {'together':<18}{together:>14,.2f}"
    if usage.gbits > GBITS_MAX:
        yield ""
        yield (
            f"No machine sends {usage.gbits:,.1f} Gbit/s to the internet: at most {GBITS_MAX}. "
            "Put the ingest where traffic is flat-rate, or let nodes pull from nodes."
        )
