"""Amounts on their way from the wire to whole micro-tokens."""

import pytest

from emulator.demo.public_api import PublicNode, micros_of, tokens_of


@pytest.mark.parametrize(
    ("tokens", "micros"),
    [
        ("0", 0),
        ("1000", 1_000_000_000),
        ("1.25", 1_250_000),
        ("0.000001", 1),
        ("998.500000", 998_500_000),
        ("-3", -3_000_000),
    ],
)
def test_amounts_are_exact(tokens: str, micros: int) -> None:
    assert micros_of(tokens) == micros
    assert micros_of(tokens_of(micros)) == micros


@pytest.mark.parametrize("amount", ["", "x", "NaN", "Infinity", "0.0000001", 1.5, 3, None])
def test_what_is_not_an_exact_amount_is_refused(amount: object) -> None:
    with pytest.raises(ValueError, match=r"an amount is|micro-tokens"):
        micros_of(amount)


@pytest.mark.parametrize(
    ("micros", "tokens"), [(0, "0"), (7, "0.000007"), (1_250_000, "1.25"), (-500_000, "-0.5")]
)
def test_amounts_are_written_without_needless_digits(micros: int, tokens: str) -> None:
    assert tokens_of(micros) == tokens


def test_a_node_is_read_from_the_wire_and_unknown_fields_are_let_pass() -> None:
    node = PublicNode.model_validate(
        {
            "node_id": "n2",
            "stream_id": "s3",
            "status": "healthy",
            "reason": "ok",
            "earned": "0.083333",
            "earned_micros": 83333,
            "country": "XX",
        }
    )
    assert node.earned_micros == 83_333
    assert node.minutes_up == 0
