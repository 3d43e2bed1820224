"""Laws of sharing out."""

from hypothesis import given
from hypothesis import strategies as st

from coordinator.money import AMOUNT_MICROS_MAX, format_tokens, parse_tokens, share_out

WEIGHTS = st.lists(st.integers(0, 10**15), min_size=1, max_size=50)


@given(st.integers(0, 10**18), WEIGHTS)
def test_everything_is_shared_and_nothing_more(total: int, weights: list[int]) -> None:
    """To the last unit, unless nobody has a weight."""
    assert sum(share_out(total, weights)) == (total if any(weights) else 0)


@given(st.integers(0, 10**18), WEIGHTS)
def test_every_share_is_the_exact_one_rounded(total: int, weights: list[int]) -> None:
    """Down or up, never further."""
    whole = sum(weights)
    for share, weight in zip(share_out(total, weights), weights, strict=True):
        if whole:
            assert total * weight // whole <= share <= -(-total * weight // whole)


@given(WEIGHTS, st.data())
def test_a_share_never_exceeds_what_was_owed(weights: list[int], data: st.DataObject) -> None:
    """A short balance never overpays anybody."""
    total = data.draw(st.integers(0, sum(weights)))
    for share, weight in zip(share_out(total, weights), weights, strict=True):
        assert 0 <= share <= weight


@given(st.integers(0, AMOUNT_MICROS_MAX))
def test_amounts_survive_the_wire(micros: int) -> None:
    """Every one of them."""
    assert parse_tokens(format_tokens(micros)) == micros
