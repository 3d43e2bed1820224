"""A check whose time a node can influence decides no minute from before that influence."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from coordinator.checking.lottery import NEWCOMER_S, Lottery
from coordinator.ledger.newcomers import newcomers_of
from coordinator.ledger.rows import Carried
from coordinator.ledger.settlements import EpochInput, settle
from coordinator.ledger.terms import Terms
from coordinator.sweeping.compaction import succeeding
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.rosters import Announcement, Roster
from coordinator.sweeping.shards import WHOLE
from tests.builders import a_check, a_slot

FIRST_TICK = 1_000
LOTTERY = Lottery(b"\x07" * 32, 60, 4)
DOES = st.lists(
    st.tuples(st.sampled_from(["leave", "return", "move", "compact"]), st.integers(1, 2_000)),
    max_size=12,
)


def _said(tick: int, stream_id: str, *, is_leaving: bool) -> Announcement:
    """What its document says: when it was first heard of is kept there for good."""
    address = ("http://192.0.2.5:8080/stats.json", "192.0.2.5", 1935)
    return Announcement("n2", stream_id, *address, is_leaving, tick * 60.0, FIRST_TICK)


@given(DOES)
def test_nobody_is_a_newcomer_twice(does: list[tuple[str, int]]) -> None:
    """S2: leaving for a sweep, moving to another stream and back, or being forgotten by a roster
    that was compacted: the draws of the first ten minutes do not come again."""
    tick, streams = FIRST_TICK, ["s3", "s5"]
    roster = Roster(WHOLE, 1, 0.0).taking_in([_said(tick, "s3", is_leaving=False)], tick)
    for what, after in does:
        tick += after
        if what == "compact":
            roster = succeeding([roster], WHOLE, tick, kept_since_tick=tick)
            continue
        if what == "move":
            streams.reverse()
        said = _said(tick, streams[0], is_leaving=what == "leave")
        roster = roster.taking_in([said], tick)
    for slot in roster.slots:
        draws = range(tick - 20, tick + 20)
        new = [draw for draw in draws if LOTTERY.is_new(draw, slot.first_seen_tick * 60)]
        assert all(draw * 60 < FIRST_TICK * 60 + NEWCOMER_S for draw in new)


MINUTES = 30
ALL = (1 << MINUTES) - 1
STARTS_S = FIRST_TICK * 60


@given(
    st.integers(-9, 12),
    st.lists(st.integers(-9, 12), min_size=1, max_size=3).map(sorted),
    st.integers(0, 12),
    st.integers(0, 20),
)
def test_a_newcomers_pass_pays_nothing_from_before_it_joined(
    first: int, joined: list[int], passed: int, waiting: int
) -> None:
    """A key is heard of, leaves and comes back in its first ten minutes: what waited from before
    goes on waiting for a check that it could not foresee."""
    slots = [
        replace(a_slot("n2", joined_tick=FIRST_TICK + at), first_tick=FIRST_TICK + first)
        for at in joined
    ]
    newcomers = newcomers_of("s3", [Roster(WHOLE, 1, 0.0, tuple(slots))], STARTS_S, 60, 60)
    due_s = STARTS_S + passed * 60 + 30.0
    given_ = EpochInput(
        "s3", 3, STARTS_S, STARTS_S + MINUTES * 60, Terms(60, 5, 60),
        {"n2": Minutes(ALL, ALL)}, [a_check(due_s)], {"n2": Carried(1.0, waiting)},
        newcomers=newcomers,
    )  # fmt: skip
    (row,) = settle(given_, 10**9).rows
    came_along = row.minutes_paid - row.paid_bits.bit_count()
    is_new = LOTTERY.is_new(int(due_s // 60), (FIRST_TICK + first) * 60)
    before = max((at for at in joined if at <= passed), default=None)
    if is_new and before is not None:
        assert row.paid_bits == (2 << passed) - 1 & ~((1 << max(before, 0)) - 1)
        assert came_along == min(waiting, max(0, -before))
    elif not is_new:
        assert (row.paid_bits, came_along) == ((2 << passed) - 1, waiting)
    assert row.minutes_paid + row.minutes_waiting == MINUTES + waiting
