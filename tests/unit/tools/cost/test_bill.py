"""A month's bill: sums that were reckoned by hand, and what follows whatever is asked."""

from decimal import Decimal

import pytest

from tools.cost.__main__ import main
from tools.cost.bill import Expense, Usage, bill, total
from tools.cost.prices import read

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


def test_what_does_not_depend_on_nodes_is_reckoned_by_hand() -> None:
    """The prober, the collector and the machines, in cents."""
    found = {name: round(usd, 2) for name, usd in _usd(Usage(10)).items()}
    assert found["prober"] == Decimal("105.12")  # 730 × 3600 × 2 × 0.00002
    assert found["collector"] == Decimal("5.80")  # 730 × 60 × 5 × 0.0000265
    assert found["machines"] == Decimal("74.53")  # 730 × (0.0737 + 0.0184 + 0.01)
    assert found["alerts"] == Decimal("19.90")  # 13 × (1.5 + 87,600 × 0.00000035)
    assert found["disks"] == 4
    assert found["secrets"] == Decimal("0.42")


def test_a_network_at_rest_costs_its_machines_and_little_more() -> None:
    """Its jobs run for 25 minutes a day; nobody pulls."""
    found = _usd(Usage(0, 0))
    assert round(found["prober"], 3) == Decimal("1.825")  # 730 / 24 × 1500 s × 0.00004
    assert found["ingest traffic"] == found["our own pulls"] == found["api"] == 0
    assert max(found, key=lambda name: found[name]) == "machines"


def test_each_part_of_the_prober_and_of_the_nodes_costs_as_much_again() -> None:
    """One for each 10,000 nodes."""
    one, two = _usd(Usage(10_000)), _usd(Usage(10_001))
    for name in ("prober", "collector"):
        assert two[name] == 2 * one[name]
    assert round(two["our own pulls"] / one["our own pulls"], 2) == Decimal("1.5")


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
        dearer = {
            each: (
                type(price)(price.of, tuple(usd * 2 for usd in price.usd))
                if each == name
                else price
            )
            for each, price in PRICES.prices.items()
        }
        other = type(PRICES)(PRICES.dated, PRICES.place, dearer)
        sums = [
            (total(bill(network, other)), total(bill(network, PRICES)))
            for network in (Usage(10), Usage(1000))
        ]
        assert any(more > less for more, less in sums), name


def test_what_dominates_is_said_first(capsys: pytest.CaptureFixture[str]) -> None:
    """With its share, and with a warning where no machine sends as much."""
    assert main(["--nodes=1000", "--hours=100", "--bitrate=4"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("ingest traffic is 97% of 14,158 USD a month (prices of 2026-11")
    assert "No machine sends" not in told
    assert main(["--nodes=1000", "--bitrate=7.5"]) == 0
    assert "No machine sends 7.5 Gbit/s to the internet" in capsys.readouterr().out
    assert main(["--nodes=0", "--hours=0"]) == 0
    assert capsys.readouterr().out.startswith("machines is 73% of 102 USD")


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
