"""How nodes are divided among sweeps."""

import pytest

from coordinator.sweeping.shards import SHARDS_MAX, WHOLE, Shard, all_of


@pytest.mark.parametrize("count", [1, 3, SHARDS_MAX])
def test_every_node_is_of_one_shard(count: int) -> None:
    """Whatever their number."""
    for number in range(50):
        assert sum(shard.holds(f"n{number}") for shard in all_of(count)) == 1


@pytest.mark.parametrize("shard", [WHOLE, Shard(0, 2), Shard(63, 64)])
def test_a_name_tells_the_number_and_the_count(shard: Shard) -> None:
    """So that nothing measured under two counts bears one name."""
    assert Shard.parse(str(shard)) == shard


def test_shards_of_two_counts_are_called_differently() -> None:
    """Also where their number is the same."""
    assert [str(Shard(0, count)) for count in (1, 2, 12)] == ["0of1", "0of2", "0of12"]


@pytest.mark.parametrize("name", ["", "0", "of", "0of", "of1", "-1of2", "0of1 ", "٣of4", "0of999"])
def test_what_is_no_name_is_refused(name: str) -> None:
    """It comes out of addresses that anybody may ask for."""
    with pytest.raises(ValueError, match="named like 0of2"):
        Shard.parse(name)
