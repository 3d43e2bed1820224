"""The tables of costs in docs/ops.md are what `make cost` prints, of what is really deployed."""

import json
import re

from tests.project import ROOT
from tools.cost import bill
from tools.cost.prices import TRAFFIC_STEPS_GIB, read
from tools.cost.tables import cost_table, price_table
from tools.cost.usage import NODES_PER_PART

SECTION = (ROOT / "docs" / "ops.md").read_text().split("\n## What it costs\n")[1].split("\n## ")[0]


def _file(name: str) -> str:
    return (ROOT / name).read_text()


def test_both_tables_are_what_is_printed() -> None:
    """To the dollar: `make cost` prints them anew after a change of a price."""
    prices = read()
    assert f"\n{price_table(prices)}\n" in SECTION
    assert f"\n{cost_table(prices)}\n" in SECTION


def test_networks_of_every_size_are_there() -> None:
    """And one that nobody uses."""
    rows = re.findall(r"^\| ([\d,]+) \| (at rest|100 h|always) \|", SECTION, re.MULTILINE)
    sizes = ("10", "100", "1,000", "10,000")
    assert rows == [("0", "at rest"), *((n, live) for n in sizes for live in ("100 h", "always"))]


def test_the_date_of_the_prices_is_told() -> None:
    """In words, as people look for it."""
    year, _, month = read().dated.partition("-")
    assert (year, month) == ("2026", "11")
    assert "as of November 2026" in " ".join(SECTION.split())
    first, second = (f"{step:,}" for step in TRAFFIC_STEPS_GIB)
    assert f"the first {first} of a month, up to {second}, beyond" in SECTION


def test_what_is_assumed_of_the_programs_is_so() -> None:
    """A heartbeat's pace, when jobs run, and how long a check's call lasts."""
    assert f"one per {NODES_PER_PART:,} nodes" in _file("terraform/variables.tf")
    assert f"HEARTBEAT_SECONDS_MAX = {bill.BEAT_S // 10}" in _file("functions/api/wiring.py")
    assert "STEADY_FACTOR = 10" in _file("functions/api/services/announcements.py")
    jobs = json.loads(_file("terraform/jobs.json"))["jobs"]
    assert jobs["collector-{shard}"]["schedule"] == "* * * * *"
    assert jobs["payout"]["schedule"] == "9-59/10 * * * *"
    assert bill.PAYOUTS_AN_HOUR == 6
    uptime = _file("terraform/uptime.tf")
    assert uptime.count(f'period       = "{bill.UPTIME_S}s"') == 2
    assert "selected_regions" not in uptime  # all six


def test_what_was_not_looked_up_is_told() -> None:
    """Prices without a page of Google's."""
    for name, price in read().prices.items():
        assert price.seen.startswith("https://cloud.google.com/") or not price.seen
        assert f"| `{name}` |" in SECTION
        assert not price.seen or price.seen in SECTION, name


def test_a_line_through_what_the_bench_counts_gives_the_store_s_calls() -> None:
    """Of ten nodes, and of ten thousand."""
    told = _file("docs/benchmarks.md")
    for what, (fixed, per_node) in (
        ("writes", bill.WRITES_A_DAY),
        ("reads", bill.READS_A_DAY),
    ):
        (few,) = re.findall(rf"^\| {what} a day, 10 nodes \| ([\d,]+) \|", told, re.MULTILINE)
        (many,) = re.findall(
            rf"^\| {what} a node-day, 10,000 nodes \| ([\d.]+) \|", told, re.MULTILINE
        )
        assert abs(fixed + 10 * per_node - int(few.replace(",", ""))) < 20
        assert abs(fixed + 10_000 * per_node - int(10_000 * float(many))) < 100
