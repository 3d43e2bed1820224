"""A sweep, readably."""

from coordinator.reasons import Reason
from coordinator.rosters import Roster, Slot
from coordinator.sweeps import Outcome, Poll, Sweep
from show.__main__ import lines_of

SLOTS = tuple(Slot(f"n{i}", "s3", "http://192.0.2.5/", "192.0.2.5", 1935, 7, 1.0) for i in range(7))


def test_trouble_comes_first_and_the_rest_is_counted() -> None:
    """With the roster that the slots are of."""
    polls = {at: Poll(Outcome.UP, Reason.OK, 13, 11, since_tick=5) for at in range(7)}
    polls[5] = Poll(Outcome.DOWN, Reason.CONNECT_FAILED, 13, 2, misses=2, since_tick=17)
    lines = lines_of(Sweep(0, 18, 1, polls, 3), Roster(0, 1, 0.0, SLOTS), 60, most=2)
    assert lines[0] == "sweep-0-000000000018: shard 0, tick 18 (1970-01-01T00:18:00+00:00)"
    assert lines[1] == "roster 0-1, revision 3: 7 of 7 slots polled: 6 up, 1 down"
    assert lines[4].split()[:5] == ["5", "n5", "s3", "down", "connect_failed"]
    assert lines[5].split()[:4] == ["0", "n0", "s3", "up"]
    assert lines[-1].startswith("… and 5 more")
