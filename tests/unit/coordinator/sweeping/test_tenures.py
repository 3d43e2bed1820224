"""Uptime is a node's, not a slot's: what it was before goes with it, and absences count."""

from dataclasses import replace

from coordinator.reasons import Reason
from coordinator.strangers.relay_stats import Media, RelayStats
from coordinator.sweeping.compaction import succeeding
from coordinator.sweeping.polls import Outcome, Poll, outcome_of
from coordinator.sweeping.rosters import Announcement, Roster
from coordinator.sweeping.shards import WHOLE, all_of
from coordinator.sweeping.tenures import dropped, going_on, tallied

NODE = Announcement("n2", "s3", "http://192.0.2.5:8080/stats.json", "192.0.2.5", 1935, False, 11.0)
LIVE = RelayStats(Media.LIVE)
FIRST = 100


class Shard:
    """A shard of one node, tick by tick, by the rules that the collector follows."""

    def __init__(self) -> None:
        self.tick = FIRST
        self.said = replace(NODE, first_tick=FIRST)
        self.roster = Roster(WHOLE, FIRST, 0.0)
        self.polls: dict[int, Poll] = {}

    def sweeps(self, count: int, answer: RelayStats | Reason = LIVE) -> None:
        for _ in range(count):
            self.polls = {
                at: outcome_of(
                    slot, answer, self.polls.get(at), stream_is_live=True, tick=self.tick
                )
                for at, slot in enumerate(self.roster.slots)
                if slot.is_polled_at(self.tick)
            }
            self.tick += 1

    def says(self, **more: object) -> None:
        self.said = replace(self.said, changed_s=self.said.changed_s + 1, **more)  # type: ignore[arg-type]  # fields by name
        changed = self.roster.taking_in([self.said], self.tick)
        self.roster = tallied(changed, self.roster, self.polls)

    def total(self) -> tuple[int, int]:
        ((_, poll),) = self.polls.items()
        return poll.minutes_up, poll.minutes_due


def test_minutes_before_and_away_count_when_a_node_returns() -> None:
    """286 of 287, then 8 sweeps away, then 14 up, is 300 of 309 and not 14 of 14."""
    shard = Shard()
    shard.says()
    shard.sweeps(286)
    shard.sweeps(1, Reason.STATS_TIMEOUT)
    shard.says(is_leaving=True)
    shard.sweeps(8)
    shard.says(is_leaving=False)
    shard.sweeps(14)
    assert shard.total() == (300, 309)
    assert shard.roster.slots[-1].first_seen_tick == FIRST


def test_so_do_those_of_another_stream() -> None:
    """A move takes no minute, and forgets none."""
    shard = Shard()
    shard.says()
    shard.sweeps(7)
    shard.says(stream_id="s5")
    shard.sweeps(5)
    assert shard.total() == (12, 12)
    assert (shard.roster.slots[1].joined_tick, shard.roster.slots[1].first_tick) == (107, FIRST)


def test_a_new_address_in_the_same_place_begins_nothing_anew() -> None:
    shard = Shard()
    shard.says()
    shard.sweeps(3)
    shard.says(is_leaving=True)
    shard.sweeps(2)
    shard.says(is_leaving=False)
    shard.says(rtmp_port=1936)
    assert (shard.roster.slots[1].minutes_up, shard.roster.slots[1].minutes_due) == (3, 5)
    shard.sweeps(1)
    assert shard.total() == (4, 6)


def test_what_a_node_cannot_help_is_neither_up_nor_due() -> None:
    """Minutes that we failed to measure, and those without a stream."""
    shard = Shard()
    shard.says()
    shard.sweeps(2)
    shard.sweeps(3, Reason.UNKNOWN_INTERNAL)
    for _ in range(4):
        poll = outcome_of(
            shard.roster.slots[0],
            RelayStats(Media.WAITING),
            shard.polls[0],
            stream_is_live=False,
            tick=shard.tick,
        )
        assert (poll.outcome, poll.minutes_due) == (Outcome.IDLE, 2)
    assert shard.total() == (2, 2)


def test_a_node_whose_slot_was_dropped_brings_its_past_along() -> None:
    """Its own document kept it: what the collector wrote there comes with its announcement."""
    shard = Shard()
    shard.says()
    shard.sweeps(10)
    shard.says(is_leaving=True)
    shard.sweeps(2_000)
    new = succeeding([shard.roster], WHOLE, shard.tick, kept_since_tick=shard.tick - 1_440)
    (slot,) = dropped([shard.roster], [new])
    assert (slot.minutes_due, slot.minutes_up, slot.left_tick) == (10, 10, 110)
    shard.roster = new
    shard.says(is_leaving=False, minutes_due=10, minutes_up=10, away_tick=slot.left_tick)
    shard.sweeps(10)
    assert shard.total() == (20, 2_020)
    assert shard.roster.slots[0].first_tick == FIRST
    assert dropped([shard.roster], [shard.roster]) == []


def test_a_new_division_goes_on_where_the_old_one_ended() -> None:
    """The rows stay behind, so the slots take along what they said."""
    shard = Shard()
    shard.says()
    shard.sweeps(6)
    shard.sweeps(1, Reason.STATS_TIMEOUT)
    closed = going_on(shard.roster, shard.polls)
    parts = [succeeding([closed], each, shard.tick, kept_since_tick=0) for each in all_of(2)]
    (shard.roster,) = [part for part in parts if part.slots]
    shard.polls = {}
    shard.sweeps(1)
    assert shard.total() == (7, 8)
