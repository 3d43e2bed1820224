"""Law: whatever one network does, what it causes at a target and on a roster stays bounded."""

from collections.abc import Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.hostile_api.one_network import OneNetwork
from bench.hostile_api.one_network_search import KNOWN_KEYS, STEPS, WORST
from bench.hostile_api.orders import Doing, Order, Where
from coordinator.sweeping.compaction import succeeding, wants_compaction
from coordinator.sweeping.roster_room import NETWORK_SLOTS_MAX, SLOTS_MAX, RosterRoom
from coordinator.sweeping.rosters import Announcement, Roster, Slot
from coordinator.sweeping.shards import WHOLE

REQUESTS_MAX, POLLED_MAX, SLOTS_MAX_OF_ONE = 60, 4, 1_000
ORDERS = st.builds(
    Order,
    st.sampled_from(Doing),
    st.sampled_from(Where),
    st.integers(0, 900),
    st.integers(1, 120),
)


@settings(max_examples=5, deadline=None)  # each is a network for an hour
@example(WORST)
@given(st.lists(st.lists(ORDERS, max_size=3), min_size=2, max_size=6))
async def test_a_network_causes_few_requests_at_a_target_and_holds_few_slots(
    plan: Sequence[Sequence[Order]],
) -> None:
    """Whatever it orders of its keys, known and new; again and again, at all instances."""
    world = OneNetwork(known=KNOWN_KEYS)
    for step in range(STEPS):
        await world.minute(plan[step % len(plan)])
    assert world.caused.in_an_hour() <= REQUESTS_MAX
    assert world.caused.polled_max <= POLLED_MAX
    assert world.caused.slots_max <= SLOTS_MAX_OF_ONE


def _honest(number: int) -> Slot:
    network, host = divmod(number, 200)
    address = f"51.{network // 250}.{network % 250}.{host + 1}"
    return Slot(f"h{number}", "s3", f"http://{address}:8080/s", address, 1935, 5, 1.0)


HONEST = tuple(_honest(number) for number in range(9_000))
CROWDS = st.lists(
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
@given(CROWDS)
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
