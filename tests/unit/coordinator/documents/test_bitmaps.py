"""Bitmaps by tick turned into bitmaps by slot."""

from hypothesis import given
from hypothesis import strategies as st

from coordinator.documents.bitmaps import transposed


@given(st.data(), st.integers(0, 41), st.integers(0, 83))
def test_a_bit_finds_its_place(data: st.DataObject, width: int, height: int) -> None:
    """Bit j of row i is bit i of column j, for every shape."""
    rows = [data.draw(st.integers(0, (1 << width) - 1)) for _ in range(height)]
    expected = [sum((row >> j & 1) << i for i, row in enumerate(rows)) for j in range(width)]
    assert transposed(rows, width) == expected
