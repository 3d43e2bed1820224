"""Tokens are integers inside and exact decimal strings outside."""

import pytest

from coordinator.money import (
    AMOUNT_MICROS_MAX,
    earned_micros,
    format_tokens,
    parse_tokens,
    share_out,
)


@pytest.mark.parametrize(
    ("amount", "micros"),
    [("1", 1_000_000), ("0.000001", 1), ("12.5", 12_500_000), ("0", 0), ("7.120000", 7_120_000)],
)
def test_a_decimal_string_is_read_exactly(amount: str, micros: int) -> None:
    """No float is ever involved."""
    assert parse_tokens(amount) == micros


@pytest.mark.parametrize(
    "amount",
    ["", " 1", "1 ", "-1", "+1", "1.", ".5", "1.0000001", "1e3", "NaN", "Infinity", "01", "1,5",
     "0x10", "1_000", "٣", "1000000000001", "9" * 400],
)  # fmt: skip
def test_anything_else_is_refused(amount: str) -> None:
    """Negative, fractional-micro, absurd and exotic amounts are not amounts."""
    with pytest.raises(ValueError, match=r"amount"):
        parse_tokens(amount)


@pytest.mark.parametrize("micros", [0, 1, 999_999, 1_000_000, 1_250_000, AMOUNT_MICROS_MAX])
def test_printing_and_reading_are_inverse(micros: int) -> None:
    """What is printed is what is read back."""
    assert parse_tokens(format_tokens(micros)) == micros


def test_pay_rounds_down_to_a_whole_micro() -> None:
    """7 tokens an hour for 11 minutes of 13 s: 278,055.55… micros, of which the fraction stays."""
    assert earned_micros(7_000_000, 11, 13) == 278_055


def test_a_shortage_is_shared_by_largest_remainder() -> None:
    """100 over 3:5:7 is 20, 33.3, 46.7: the unit left over goes to the largest remainder."""
    assert share_out(100, [3, 5, 7]) == [20, 33, 47]


def test_nobody_shares_in_nothing() -> None:
    """Zero weights take nothing, and do not divide by zero."""
    assert share_out(13, [0, 0]) == [0, 0]


def test_ten_thousand_nodes_share_one_micro() -> None:
    """Somebody gets it, once."""
    assert sum(share_out(1, [17] * 10_000)) == 1


def test_negative_weights_are_refused() -> None:
    """They could mint tokens."""
    with pytest.raises(ValueError, match="negative"):
        share_out(5, [7, -2])
