"""A month's bill: sums that were reckoned by hand, and what follows whatever is asked."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tools.cost.__main__ import main
from tools.cost.bill import TRAFFIC, Expense, alerts_usd, besides_traffic, bill, total
from tools.cost.prices import read
from tools.cost.usage import Usage

PRICES = read()


def _usd(network: Usage) -> dict[str, Decimal]:
    return {line.name: line.usd for line in bill(network, PRICES)}


@pytest.mark.parametrize(
    ("network", "usd"),
    [
        (Usage(10), 195),
        (Usage(10, 730), 1_296),
        (Usage(100), 1_659),
        (Usage(1000), 13_728),
        (Usage(1000, 730), 98_218),
        (Usage(10_000), 134_428),
        (Usage(10_000, 730), 979_324),
        (Usage(10, mbits=Decimal(8)), 379),
        (Usage(10, 0), 0),
    ],
)
def test_traffic_is_paid_in_steps(network: Usage, usd: int) -> None:
    """What a reviewer reckoned from the same prices; twice the bit rate is nearly twice of it."""
    assert round(_usd(network)["ingest traffic"]) == usd


def test_a_small_network_is_reckoned_by_hand() -> None:
    """What does not depend on its nodes, in cents."""
    found = {name: round(usd, 2) for name, usd in _usd(Usage(10)).items()}
    assert found["prober"] == Decimal("12.63")  # (100 × 3600 + 630 × 60 × 2) × 0.000029
    assert found["collector"] == Decimal("5.80")  # 730 × 60 × 5 × 0.0000265
    assert found["payout"] == Decimal("0.35")  # 730 × 6 × 3 × 0.0000265
    assert found["machines"] == Decimal("10.37")  # 730 × (0.0092 + 0.005)
    assert found["disks"] == 1
    assert found["secrets"] == Decimal("0.24")
    assert round(found["our own pulls"] / found["ingest traffic"], 1) == Decimal("0.1")


def test_a_large_network_has_a_second_machine_and_a_larger_prober() -> None:
    """And its good control node pulls over the network."""
    usage = Usage(1000)
    found = {name: round(usd, 2) for name, usd in _usd(usage).items()}
    assert found["machines"] == Decimal("128.33")  # 730 × (0.1474 + 0.0184 + 0.01)
    assert found["prober"] == Decimal("23.09")  # (100 × 3600 + 630 × 60 × 2) × 0.000053
    assert found["disks"] == 2
    assert usage.pulled_gib(2) * Decimal("0.08") == _usd(usage)["our own pulls"]


@pytest.mark.parametrize(
    ("nodes", "size", "machine", "is_too_much"),
    [
        (0, "small", "e2-micro", False),
        (50, "small", "e2-micro", False),
        (51, "large", "e2-small", False),
        (201, "large", "e2-medium", False),
        (1750, "large", "e2-standard-4", False),
        (1751, "large", "e2-standard-4", True),
    ],
)
def test_the_size_and_the_machine_follow_from_what_is_sent(
    nodes: int, size: str, machine: str, is_too_much: bool
) -> None:
    """As Terraform has it."""
    usage = Usage(nodes)
    assert (usage.size, usage.machine.type, usage.is_too_much) == (size, machine, is_too_much)


def test_a_network_at_rest_costs_its_machine_and_little_more() -> None:
    """Its jobs run for 25 minutes a day; nobody pulls, and nothing is checked."""
    found = _usd(Usage(0, 0))
    assert round(found["prober"], 3) == Decimal("0.044")  # 730 / 24 × 25 × 2 s × 0.000029
    assert found["ingest traffic"] == found["our own pulls"] == 0
    assert max(found, key=lambda name: found[name]) == "machines"
    assert besides_traffic(bill(Usage(0, 0), PRICES)) == total(bill(Usage(0, 0), PRICES))


def test_each_part_of_the_prober_and_of_the_nodes_costs_as_much_again() -> None:
    """One for each 10,000 nodes; the good control node has one pull, whatever their number."""
    one, two = _usd(Usage(10_000)), _usd(Usage(10_001))
    for name in ("prober", "collector", "payout"):
        assert two[name] == 2 * one[name]
    assert round(two["our own pulls"] / one["our own pulls"], 2) == Decimal("1.5")
    assert round(two["jobs"] - one["jobs"], 2) == Decimal("0.3")


def test_what_is_no_traffic_is_summed_apart() -> None:
    """All lines are one or the other."""
    for usage in (Usage(10), Usage(1000, 730)):
        found = _usd(usage)
        traffic = sum(found[name] for name in TRAFFIC)
        besides = total(bill(usage, PRICES)) - traffic
        assert round(besides_traffic(bill(usage, PRICES)), 9) == round(besides, 9)
        assert traffic > 0


def test_alerts_are_told_apart_until_they_are_paid_for() -> None:
    """By the announced prices of what they read and of what that returns."""
    metrics = Usage(10).deployed.metrics
    assert alerts_usd(Usage(10), PRICES) == metrics * (Decimal("0.35") + Decimal("0.0438"))


def test_the_dearest_comes_first_and_nothing_is_left_out_of_the_sum() -> None:
    """Whatever the size."""
    for nodes in (0, 1, 10, 777, 10_000, 100_000):
        lines = bill(Usage(nodes), PRICES)
        assert lines == sorted(lines, key=lambda line: line.usd, reverse=True)
        assert total(lines) == sum(_usd(Usage(nodes)).values())
        assert all(line.usd >= 0 for line in lines)


def test_the_sum_is_of_all_lines() -> None:
    """Of those that are given."""
    assert total([Expense("a", Decimal(2)), Expense("b", Decimal("3.5"))]) == Decimal("5.5")


def test_every_price_is_paid_for_something() -> None:
    """Else it would stand in the table for nothing."""
    for name in PRICES.prices:
        price = PRICES.prices[name]
        twice = replace(price, usd=tuple(usd * 2 for usd in price.usd))
        other = replace(PRICES, prices={**PRICES.prices, name: twice})
        sums = [
            (total(bill(network, other)), total(bill(network, PRICES)))
            for network in (Usage(10), Usage(100), Usage(201), Usage(500), Usage(1000))
        ]
        assert any(more > less for more, less in sums), name


def test_what_dominates_is_said_first(capsys: pytest.CaptureFixture[str]) -> None:
    """With its share, and with a warning where no machine sends as much."""
    assert main(["--nodes=1000", "--hours=100", "--bitrate=4"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("ingest traffic is 98% of 13,946 USD a month (prices of 2026-11")
    assert "No machine sends" not in told
    assert main(["--nodes=1000", "--bitrate=7.5"]) == 0
    assert "No machine sends 7.5 Gbit/s to the internet" in capsys.readouterr().out
    assert main(["--nodes=0", "--hours=0"]) == 0
    assert capsys.readouterr().out.startswith("machines is 79% of 13 USD")


def test_a_month_of_ten_nodes_and_one_at_rest_meet_their_goals(tmp_path: Path) -> None:
    """The file has the figures that the tables have."""
    out = tmp_path / "build" / "cost.json"
    assert main(["--out", str(out)]) == 0
    rows = json.loads(out.read_text())["rows"]
    assert [(round(row["value"]), row["goal"], row["met"]) for row in rows] == [
        (32, "<= 60", True),
        (13, "<= 15", True),
    ]
    assert all(row.keys() == {"name", "value", "unit", "goal", "peer", "met"} for row in rows)


@pytest.mark.parametrize(
    "option",
    [
        *("--nodes=x", "--nodes=-1", "--nodes=1.5", "--nodes=1000001", "--nodes=nan"),
        *("--hours=731", "--hours=-1", "--bitrate=101", "--bitrate=inf", "--bitrate="),
    ],
)
def test_odd_arguments_are_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With a line that would do."""
    with pytest.raises(SystemExit) as refused:
        main(["--nodes=10", option])
    assert refused.value.code == 64
    assert "make cost NODES=1000 HOURS=100 BITRATE=4" in capsys.readouterr().err
