"""An hour of sweeps as counts."""

from coordinator.sweeping.rollups import ROLLUPS, NodeHour, rolled_up
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import SweepBits
from tests.builders import a_slot

ROSTER = Roster(
    WHOLE,
    1,
    0.0,
    (
        a_slot("n2", "s3", left_tick=103),
        a_slot("n5", "s7"),
        a_slot("n2", "s7"),
    ),
)
SWEEPS = [
    SweepBits(WHOLE, tick, 1, 0b111, 0b011, 0b100 if tick == 101 else 0) for tick in (100, 101)
]


def test_each_node_is_counted_for_each_of_its_streams() -> None:
    """Minutes not swept are our own fault."""
    rollup = rolled_up(WHOLE, 7, range(100, 105), {(WHOLE, 1): ROSTER}, SWEEPS)
    assert rollup.nodes == {
        ("n2", "s3"): NodeHour(due=3, up=2, unknown=1),
        ("n5", "s7"): NodeHour(due=5, up=2, unknown=3),
        ("n2", "s7"): NodeHour(due=5, up=0, unknown=4),
    }


def test_a_rollup_survives_its_document() -> None:
    """To the last count."""
    rollup = rolled_up(WHOLE, 7, range(100, 105), {(WHOLE, 1): ROSTER}, SWEEPS)
    assert ROLLUPS.decode(ROLLUPS.encode(rollup)) == rollup
