"""The parts that the prober's work is divided into."""

from coordinator.checking.partitions import partitions_of


def test_each_node_is_of_exactly_one_part() -> None:
    """In two it would be checked twice, in none it would never be paid."""
    parts = partitions_of(3)
    held = [[part.number for part in parts if part.holds(f"n{at}")] for at in range(50)]
    assert all(len(numbers) == 1 for numbers in held)
    assert {number for (number,) in held} == {0, 1, 2}
