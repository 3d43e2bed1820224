"""Law: whatever one network does, what it causes at a target and on a roster stays bounded."""

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.strangers.source_bounds import (
    API_INSTANCES,
    CALL_BACKS,
    CALLED_BACK,
    Bounds,
    Side,
    source_of,
    target_of,
)
from coordinator.sweeping.compaction import succeeding, wants_compaction
from coordinator.sweeping.roster_room import NETWORK_SLOTS_MAX, SLOTS_MAX, RosterRoom
from coordinator.sweeping.rosters import Announcement, Roster, Slot
from coordinator.sweeping.shards import WHOLE

HOUR_S = 3_600
VICTIMS = ("198.51.101.9", "2a01:4f8:99::7")
CALLS = st.lists(
    st.tuples(
        st.integers(0, 400),  # seconds since the call before
        st.integers(0, 65_535),  # which household
        st.integers(0, 5),  # which key
        st.sampled_from(VICTIMS),
        st.integers(1, 40),  # how many at once
    ),
    max_size=60,
)


@given(CALLS)
def test_a_network_s_calls_to_a_target_are_few_in_any_hour(
    calls: list[tuple[int, int, int, str, int]],
) -> None:
    """At all instances of the api together."""
    callers, called = Bounds(CALL_BACKS), Bounds(CALLED_BACK)
    made: list[tuple[int, str]] = []
    now_s = 0
    for wait_s, household, key, victim, at_once in calls:
        now_s += wait_s
        for n in range(at_once):
            caller = f"2a01:4f8:13:{(household + n) % 65_536:x}::1"
            if callers.wait_s(source_of(caller, f"n{key}-{n}"), now_s)[0]:
                continue
            if not called.wait_s(target_of(victim, caller), now_s)[0]:
                made.append((now_s, victim))
    for begin_s, victim in made:
        hour = [1 for at_s, one in made if one == victim and begin_s <= at_s < begin_s + HOUR_S]
        assert API_INSTANCES * len(hour) <= 60


def _honest(number: int) -> Slot:
    network, host = divmod(number, 200)
    address = f"51.{network // 250}.{network % 250}.{host + 1}"
    return Slot(f"h{number}", "s3", f"http://{address}:8080/s", address, 1935, 5, 1.0)


HONEST = tuple(_honest(number) for number in range(9_000))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("joins", "moves", "leaves", "returns")),
        st.integers(0, 3_000),  # of its keys, from this one on
        st.integers(1, 3_000),  # so many
        st.sampled_from(("s3", "s5", "s7")),
        st.integers(0, 20),  # honest nodes that restart meanwhile
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=8, deadline=None)  # each has nine thousand honest nodes beside it
@given(STEPS)
def test_a_network_takes_a_tenth_of_a_roster_and_restarts_find_their_slots(
    steps: list[tuple[str, int, int, str, int]],
) -> None:
    """By any number of keys that come, change their stream, leave and come again."""
    roster, tick, restarted = Roster(WHOLE, 1, 0.0, HONEST), 10, 0
    for deed, first, count, stream_id, restarts in steps:
        now_s = 60.0 * tick
        attack = [
            _said(f"a{n}", f"51.99.99.{n % 250 + 1}", now_s, stream_id, deed == "leaves")
            for n in range(first, first + count)
        ]
        honest = [HONEST[(restarted + n) % len(HONEST)] for n in range(restarts)]
        restarted += restarts
        gone = [_said(s.node_id, s.rtmp_host, now_s, "s3", is_leaving=True) for s in honest]
        back = [_said(s.node_id, s.rtmp_host, now_s + 1, "s3", is_leaving=False) for s in honest]
        roster = _swept(roster, tick, [*attack, *gone])
        roster = _swept(roster, tick + 1, back)
        tick += 2
        polled = [slot for slot in roster.slots if slot.left_tick is None]
        assert len(roster.slots) <= SLOTS_MAX
        assert sum(slot.node_id.startswith("h") for slot in polled) == len(HONEST)
        assert sum(slot.node_id.startswith("a") for slot in polled) <= NETWORK_SLOTS_MAX
        assert len({slot.node_id for slot in polled}) == len(polled)
        assert RosterRoom.taken_by(polled).of_network["51.99.99.0/24"] <= NETWORK_SLOTS_MAX


def _swept(roster: Roster, tick: int, coming: list[Announcement]) -> Roster:
    """As the sweeper takes them in."""
    if wants_compaction(roster, tick - 1_440, coming):
        roster = succeeding([roster], WHOLE, tick, kept_since_tick=tick - 1_440, coming=coming)
    return roster.taking_in(coming, tick)


def _said(node_id: str, host: str, now_s: float, stream_id: str, is_leaving: bool) -> Announcement:
    url = f"http://{host}:8080/s"
    return Announcement(node_id, stream_id, url, host, 1935, is_leaving, now_s)


def test_an_api_s_instances_are_as_many_as_the_bounds_are_made_for() -> None:
    """The figures of a network at a target hold for all of them."""
    assert API_INSTANCES * CALLED_BACK[Side.NETWORK_AT_TARGET].most_in(HOUR_S) <= 60
