"""Who gives way on a roster, and who never does."""

from dataclasses import replace

from coordinator.sweeping.compaction import COMPACT_AT_GONE, succeeding, wants_compaction
from coordinator.sweeping.roster_room import CHARACTERS_MAX, NETWORK_SLOTS_MAX, SLOTS_MAX
from coordinator.sweeping.rosters import Announcement, Roster, Slot
from coordinator.sweeping.shards import WHOLE

DAY = 1_440


def _said(name: str, number: int, now_s: float, **more: object) -> Announcement:
    address = f"51.{number // 65_536}.{number // 256 % 256}.{number % 256}"
    url = f"http://{address}:8080/stats.json"
    said = Announcement(f"{name}{number}", "s3", url, address, 1935, False, now_s)
    return replace(said, **more)  # type: ignore[arg-type]  # a field, by its name


class _Swept:
    """A roster that a sweeper goes on with, minute after minute."""

    def __init__(self, *nodes: Announcement) -> None:
        self.tick = 10
        self.roster = Roster(WHOLE, 1, 0.0).taking_in(nodes, self.tick)

    def take(self, *coming: Announcement) -> None:
        self.tick += 1
        if wants_compaction(self.roster, self.tick - DAY, coming):
            new = succeeding(
                [self.roster], WHOLE, self.tick, kept_since_tick=self.tick - DAY, coming=coming
            )
            self.roster = new
        self.roster = self.roster.taking_in(coming, self.tick)

    @property
    def polled(self) -> set[str]:
        return {slot.node_id for slot in self.roster.slots if slot.left_tick is None}


def test_sixteen_keys_that_change_their_stream_fill_no_roster() -> None:
    """They did in seven sweeps where 100 were free, and nobody could come in. What a node left
    behind counts towards nothing."""
    swept = _Swept(*(_said("h", number, 1.0) for number in range(SLOTS_MAX - 100)))
    for sweep in range(20):
        now_s = 100.0 + sweep
        keys = (
            _said("a", n, now_s, stream_id=f"s{sweep}", rtmp_host="51.99.0.1") for n in range(16)
        )
        swept.take(*keys)
        assert {f"a{n}" for n in range(16)} <= swept.polled
    swept.take(_said("new", 1, 999.0), _said("h", 7, 999.0, is_leaving=True))
    swept.take(_said("h", 7, 1_000.0))
    assert {"new1", "h7"} <= swept.polled
    assert len(swept.polled) == SLOTS_MAX - 100 + 17


def test_three_thousand_of_five_thousand_restart_three_times() -> None:
    """All of them are back with the sweep that follows; 1,212 stayed out."""
    swept = _Swept(*(_said("n", number, 1.0) for number in range(5_003)))
    for restart in range(3):
        now_s = 100.0 * (restart + 1)
        swept.take(*(_said("n", n, now_s, is_leaving=True) for n in range(3_000)))
        swept.take(*(_said("n", n, now_s + 1) for n in range(3_000)))
        assert len(swept.polled) == 5_003


def _left(number: int, tick: int, minutes_up: int) -> Slot:
    slot = Slot(f"g{number}", "s3", "http://a.example/s", "a.example", 1935, 5, 1.0)
    return replace(slot, left_tick=tick, left_reason="offline", minutes_up=minutes_up)


def test_those_who_left_make_room_for_those_who_come() -> None:
    """First who was never up, then who left longest ago; only as many as it takes, and a few."""
    never_up = [_left(n, 900, 0) for n in range(500)]
    left = [_left(n, 400 + n, 7) for n in range(500, 1_000)]
    stays = [_said("h", number, 1.0) for number in range(SLOTS_MAX - 1_000)]
    full = Roster(WHOLE, 1, 0.0, (*never_up, *left)).taking_in(stays, 10)
    assert len(full.slots) == SLOTS_MAX
    assert not wants_compaction(full, 950 - DAY)
    coming = [_said("new", n, 5.0) for n in range(88)]
    assert wants_compaction(full, 950 - DAY, coming)
    new = succeeding([full], WHOLE, 950, kept_since_tick=950 - DAY, coming=coming)
    gone = {slot.node_id for slot in full.slots} - {slot.node_id for slot in new.slots}
    assert gone == {f"g{n}" for n in range(600)}  # 88 and 512 to spare
    assert len([s for s in new.taking_in(coming, 950).slots if s.node_id.startswith("new")]) == 88


def test_a_roster_of_polled_nodes_turns_newcomers_away() -> None:
    """Nobody who is polled gives way, and there is nothing to be compacted for."""
    full = Roster(WHOLE, 1, 0.0).taking_in([_said("h", n, 1.0) for n in range(SLOTS_MAX)], 10)
    coming = [_said("new", 1, 5.0)]
    assert not wants_compaction(full, 20 - DAY, coming)
    assert full.taking_in(coming, 20).slots == full.slots


def test_what_is_read_twice_or_stands_already_needs_no_room() -> None:
    """Else a full roster would be written anew at each sweep."""
    stays = [_said("h", number, 1.0) for number in range(SLOTS_MAX - 1)]
    full = Roster(WHOLE, 1, 0.0, (_left(1, 9, 3),)).taking_in(stays, 10)
    assert not wants_compaction(full, 20 - DAY, [*stays[:99], _said("h", 3, 9.0, rtmp_port=1936)])
    assert not wants_compaction(full, 20 - DAY, [_said("h", 3, 9.0, is_leaving=True)])
    assert wants_compaction(full, 20 - DAY, [_said("new", 3, 9.0)])


def test_a_network_has_a_tenth_of_the_roster() -> None:
    """Whoever returns there, or moves within it, takes no more than it had."""
    full = [_said("a", n, 1.0, rtmp_host=f"51.99.99.{n % 250}") for n in range(2_000)]
    swept = _Swept(*full)
    assert len(swept.polled) == NETWORK_SLOTS_MAX
    swept.take(_said("b", 1, 5.0), _said("a", 10, 5.0, rtmp_host="51.99.99.251"))
    swept.take(_said("b", 1, 6.0, rtmp_host="51.99.99.1"))
    (stays,) = [slot for slot in swept.roster.slots if slot.node_id == "b1"]
    assert stays.rtmp_host == "51.0.0.1"  # it may not move there
    swept.take(_said("a", 1, 7.0, is_leaving=True))
    swept.take(_said("a", 1, 8.0, rtmp_host="51.99.99.1"))
    assert {"a1", "a10", "b1"} <= swept.polled
    assert len(swept.polled) == NETWORK_SLOTS_MAX + 1


def test_names_count_in_the_network_that_they_lead_to() -> None:
    """As far as a poll has shown it; who leaves makes room."""
    named = [_said("h", n, 1.0, rtmp_host=f"h{n}.example") for n in range(NETWORK_SLOTS_MAX)]
    networks = {node.node_id: "51.99.99.0/24" for node in named}
    roster = Roster(WHOLE, 1, 0.0).taking_in(named, 10)
    comes = _said("a", 1, 2.0, rtmp_host="51.99.99.1")
    assert roster.taking_in([comes], 11, networks).slots == roster.slots
    moves = _said("h", 1, 2.0, rtmp_host="51.99.99.1")
    assert roster.taking_in([moves], 11, networks).slots[1].rtmp_host == "51.99.99.1"
    goes = _said("h", 2, 1.5, is_leaving=True)
    assert len(roster.taking_in([goes, comes], 11, networks).slots) == NETWORK_SLOTS_MAX + 1


def test_longer_addresses_have_to_fit_as_well() -> None:
    """A node that moves to a longer one was not counted."""
    long = "http://" + "x" * 60 + ".example:8080/" + "y" * 47
    swept = _Swept(*(_said("h", number, 1.0) for number in range(10_000)))
    swept.take(*(_said("h", n, 5.0, stats_url=long) for n in range(10_000)))
    assert sum(slot.characters for slot in swept.roster.slots) <= CHARACTERS_MAX
    assert sum(slot.stats_url == long for slot in swept.roster.slots) > 1_000


def test_a_few_that_are_gone_are_not_worth_a_new_version() -> None:
    """Superseded slots count as gone at once."""
    nodes = [_said("h", number, 1.0) for number in range(COMPACT_AT_GONE)]
    roster = Roster(WHOLE, 1, 0.0).taking_in(nodes, 10)
    moved = [replace(node, stream_id="s5", changed_s=5.0) for node in nodes]
    assert not wants_compaction(roster.taking_in(moved[1:], 11), 12 - DAY)
    assert wants_compaction(roster.taking_in(moved, 11), 12 - DAY)
