"""Who is polled no more, and why."""

from dataclasses import replace

from collector.shard_state import ShardState
from coordinator.reasons import Reason
from coordinator.sweeping.polls import OFFLINE_AFTER_MISSES, Outcome, Poll
from coordinator.sweeping.rosters import Announcement, Roster
from coordinator.sweeping.shards import WHOLE

NODE = Announcement("n2", "s3", "http://n.example:8080/stats.json", "n.example", 1935, False, 11.0)
LOST = Poll(Outcome.DOWN, Reason.NETWORK_FULL, 7, 5, misses=OFFLINE_AFTER_MISSES)


def test_a_roster_says_why_a_node_is_polled_no_more() -> None:
    """That it was turned away where its name leads, or else that it is offline."""
    nodes = [replace(NODE, node_id=name) for name in ("n2", "n3", "n5", "n7")]
    polls = {
        0: LOST,
        1: replace(LOST, reason=Reason.TARGET_CROWDED),
        2: replace(LOST, reason=Reason.STATS_TIMEOUT),
        3: replace(LOST, misses=OFFLINE_AFTER_MISSES - 1),
    }
    roster = Roster(WHOLE, 1, 0.0).taking_in(nodes, tick=7)
    slots = ShardState(11, roster, polls, 0.0, 7).still_polled(13).slots
    left = [(slot.left_tick, slot.left_reason) for slot in slots]
    assert left == [(13, "network_full"), (13, "target_crowded"), (13, "offline"), (None, None)]
