"""Who stands at which slot, as nodes come, move and go."""

from dataclasses import replace

from coordinator.sweeping.packed_rosters import ROSTERS, PackedRoster
from coordinator.sweeping.rosters import Announcement, Roster
from coordinator.sweeping.shards import WHOLE

NODE = Announcement("n2", "s3", "http://192.0.2.5:8080/stats.json", "192.0.2.5", 1935, False, 11.0)
EMPTY = Roster(shard=WHOLE, version=1, cursor_s=0.0)


def test_a_new_node_gets_the_next_slot() -> None:
    """From the tick it is taken in."""
    roster = EMPTY.taking_in([NODE, replace(NODE, node_id="n5")], tick=7)
    assert [slot.node_id for slot in roster.slots] == ["n2", "n5"]
    assert roster.slots[0].joined_tick == 7
    assert roster.cursor_s == 11.0


def test_taking_in_twice_changes_nothing() -> None:
    """Changed documents are read with an overlap."""
    once = EMPTY.taking_in([NODE], tick=7)
    assert once.taking_in([NODE], tick=8) == once


def test_a_changed_address_stays_in_its_slot() -> None:
    """Minutes go on."""
    moved = replace(NODE, rtmp_port=1936, changed_s=13.0)
    roster = EMPTY.taking_in([NODE], tick=7).taking_in([moved], tick=9)
    assert len(roster.slots) == 1
    assert roster.slots[0].rtmp_port == 1936
    assert roster.slots[0].joined_tick == 7


def test_a_changed_stream_takes_a_new_slot() -> None:
    """No minute is counted for two streams."""
    other = replace(NODE, stream_id="s4", changed_s=13.0)
    roster = EMPTY.taking_in([NODE], tick=7).taking_in([other], tick=9)
    assert [(s.stream_id, s.joined_tick, s.left_tick) for s in roster.slots] == [
        ("s3", 7, 9),
        ("s4", 9, None),
    ]


def test_a_leaving_node_is_polled_no_more() -> None:
    """And comes back into a slot of its own."""
    left = EMPTY.taking_in([NODE], tick=7).taking_in(
        [replace(NODE, is_leaving=True, changed_s=13.0)], tick=9
    )
    assert left.slots[0].is_polled_at(8)
    assert not left.slots[0].is_polled_at(9)
    assert left.slots[0].left_reason == "left"
    back = left.taking_in([replace(NODE, changed_s=17.0)], tick=12)
    assert [s.joined_tick for s in back.slots] == [7, 12]


def test_a_node_that_leaves_before_it_was_seen_has_no_slot() -> None:
    """There is nothing to poll."""
    assert EMPTY.taking_in([replace(NODE, is_leaving=True)], tick=7).slots == ()


def test_a_lost_node_stays_lost_until_it_says_something_new() -> None:
    """Its old document, read again, does not bring it back."""
    lost = EMPTY.taking_in([NODE], tick=7).without([0], tick=9)
    assert lost.taking_in([NODE], tick=10) == lost
    assert len(lost.taking_in([replace(NODE, changed_s=19.0)], tick=11).slots) == 2


def test_a_roster_survives_its_document() -> None:
    """To the last field."""
    roster = EMPTY.taking_in([NODE], tick=7).without([0], tick=9)
    assert ROSTERS.decode(ROSTERS.encode(PackedRoster.of(roster))).roster() == roster
