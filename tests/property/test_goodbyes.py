"""A goodbye spares a failed check, and is no way to be paid for more; nor is taking another stream.

Statements, trust, rosters and what a node's document remembers are the real ones.
"""

from dataclasses import dataclass, field, replace
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.checking.checks import Check, Verdict
from coordinator.checking.delistings import listed_after
from coordinator.checking.departures import explained
from coordinator.checking.lengths import Length
from coordinator.checking.stakes import marked
from coordinator.checking.suspicion import NOBODY, TrustState, observe
from coordinator.ledger.forfeits import forfeits_of, losses_of
from coordinator.ledger.settlements import EpochInput, settle
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.sweeping.goodbyes import without_goodbyes
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.nodes import Node
from coordinator.sweeping.rosters import Announcement, Roster
from coordinator.sweeping.shards import WHOLE
from tests.builders import a_check, an_attempt

EPOCHS, MINUTES = 3, 12
EPOCH_S = MINUTES * 60
HOLDING = 3
TERMS = Terms(7 * 60, 5, 60, HOLDING)
FIRST_S = 700 * EPOCH_S
LENGTHS = st.sampled_from(Length)
VERDICTS = st.sampled_from([*[None] * 12, *[Verdict.PASS] * 12, Verdict.DEGRADED, Verdict.FAIL])
"""Failures are rare, or they would void what is looked at."""
LIVES = st.lists(st.tuples(VERDICTS, LENGTHS), min_size=EPOCHS * MINUTES, max_size=EPOCHS * MINUTES)
STOPS = st.integers(0, EPOCHS * MINUTES - 1)


def _check(minute: int, verdict: Verdict, length: Length) -> Check:
    """Its connection begins when it is due, and lasts for a minute at most."""
    due_s = FIRST_S + minute * 60 + 7.5
    reason = Reason.PASSED if verdict is Verdict.PASS else Reason.STALLED
    attempts = (an_attempt(due_s, reason, seconds=50.0),)
    return a_check(due_s, verdict, length=length, attempts=attempts)


def _stalled(minute: int, length: Length) -> Check:
    return replace(_check(minute, Verdict.FAIL, length), reason=Reason.STALLED)


def _left(check: Check, after_s: float) -> Check:
    """Failed, since its node said goodbye so long after the check was due."""
    return explained(check, check.due_s + after_s)


def _paid(checks: list[Check], up_until: int = EPOCHS * MINUTES) -> int:
    """Micros that a node keeps which is up in so many minutes, all of which are still held."""
    state, made = NOBODY, []
    for check in checks:
        before, state = state, observe(state, check)[0]
        made.append(marked(check, None, before, state))
    statements: list[Statement] = []
    everything = (1 << MINUTES) - 1
    for number in range(EPOCHS):
        starts_s = FIRST_S + number * EPOCH_S
        mine = [check for check in made if starts_s <= check.due_s < starts_s + EPOCH_S]
        up = everything & ((1 << max(0, up_until - number * MINUTES)) - 1)
        given_ = EpochInput(
            "s3", 700 + number, starts_s, starts_s + EPOCH_S, TERMS,
            {"n2": Minutes(everything, up)},
            mine, statements[-1].carried() if statements else {},
            forfeits=forfeits_of(losses_of(mine, starts_s), statements[-HOLDING:], 700 + number),
        )  # fmt: skip
        statements.append(settle(given_, 10**9))
    return sum(one.paid_micros - one.forfeited_micros for one in statements)


def _life(life: list[tuple[Verdict | None, Length]]) -> list[Check | None]:
    return [
        None if verdict is None else _check(minute, verdict, length)
        for minute, (verdict, length) in enumerate(life)
    ]


@given(LIVES, STOPS, LENGTHS, st.floats(0.01, 49.0), st.booleans())
def test_leaving_at_any_second_of_a_check_never_pays_more_than_staying(
    life: list[tuple[Verdict | None, Length]],
    stop: int,
    length: Length,
    after_s: float,
    serves: bool,
) -> None:
    """Whether the node would have passed the check or failed it, and whatever comes after it."""
    checks = _life(life)
    failed = _stalled(stop, length)
    stays = _check(stop, Verdict.PASS, length) if serves else failed
    leaves = _left(failed, after_s)
    assert leaves.reason is Reason.LEFT
    before, after = checks[:stop], checks[stop + 1 :]
    paid = [
        _paid([check for check in (*before, each, *after) if check is not None])
        for each in (leaves, stays)
    ]
    assert paid[0] <= paid[1]


@given(LIVES, STOPS, LENGTHS, st.floats(-7.0, 0.0))
def test_who_leaves_before_the_check_loses_what_was_earned_since_a_check_passed(
    life: list[tuple[Verdict | None, Length]], stop: int, length: Length, before_s: float
) -> None:
    """However long the check was drawn to last: nothing that an earlier check paid is lost."""
    checks = [check for check in _life(life)[:stop] if check is not None]
    left = _left(_stalled(stop, length), before_s)
    assert _paid([*checks, left], up_until=stop) == _paid(checks, up_until=0) + _paid_for(checks)


def _paid_for(checks: list[Check]) -> int:
    """What is kept of a node that vanished with its last check."""
    last = max((int(check.due_s - FIRST_S) // 60 + 1 for check in checks), default=0)
    return _paid(checks, up_until=last)


@given(LIVES, LENGTHS, st.floats(-7.0, 49.0))
def test_a_goodbye_flags_nothing_and_takes_nobody_off_a_list(
    life: list[tuple[Verdict | None, Length]], length: Length, after_s: float
) -> None:
    """Whatever was known of the node: its trust, its score and its place on lists stay."""
    state = NOBODY
    for check in _life(life):
        if check is not None:
            state = listed_after(observe(state, check)[0], check, with_many=False)
    left = _left(_stalled(EPOCHS * MINUTES, length), after_s)
    seen, event = observe(state, left)
    after = listed_after(seen, left, with_many=False)
    assert event is None
    assert _standing(after) == _standing(state)


def _standing(state: TrustState) -> tuple[object, ...]:
    return (
        state.trust, state.score, state.lately_degraded, state.wrong_content, state.delisted_s,
        state.doubted_s, state.retests_passed, state.retests_failed, state.flagged_s,
    )  # fmt: skip


@dataclass
class Node2:
    """A node that comes, goes and moves, its document, its roster, and who was drawn when."""

    said: Node
    roster: Roster = field(default_factory=lambda: Roster(WHOLE, 0, 0.0))
    swept: dict[int, str] = field(default_factory=dict)
    """On which stream it was polled, by tick."""
    drawn: set[int] = field(default_factory=set)

    def says(self, now_s: float, **changed: str) -> None:
        """What its document is then."""
        new = self.said.model_copy(update={**changed, "changed_s": now_s, "left_s": 0.0})
        self.said = new.with_past_of(self.said)

    def turns(self, now_s: float) -> None:
        """It says goodbye, or comes back."""
        self.says(now_s, state="leaving" if self.said.state == "running" else "running")

    def moves(self, now_s: float) -> None:
        """It takes the other stream."""
        self.says(now_s, state="running", stream_id="s5" if self.said.stream_id == "s3" else "s3")

    def is_checked(self, tick: int) -> None:
        """A check is over that went by the sweep before: it counts, unless the node is spared."""
        stream_id, node = self.swept.get(tick - 1), self.said
        if stream_id is None:
            return
        if not (node.has_left(stream_id) and node.is_heard and node.changed_s < tick * 60):
            self.drawn.add(tick)

    def is_swept(self, tick: int) -> None:
        """It is polled if it stands on the roster, and says that it is up."""
        node = self.said
        told = Announcement(
            "n2", node.stream_id, "http://192.0.2.5/", "192.0.2.5", 1935, node.is_gone,
            node.changed_s, left_s=node.left_s,
        )  # fmt: skip
        self.roster = self.roster.taking_in([told], tick)
        for slot in self.roster.slots:
            if slot.is_polled_at(tick):
                self.swept[tick] = slot.stream_id

    def counted(self, ticks: range) -> set[int]:
        """The minutes that count as up, of either stream."""
        found: set[int] = set()
        for stream_id in ("s3", "s5"):
            of_it = (self.swept.get(tick) == stream_id for tick in ticks)
            up = sum(1 << at for at, was_up in enumerate(of_it) if was_up)
            minutes = without_goodbyes({"n2": Minutes(up, up)}, [self.roster], ticks, 60)
            found |= {tick for at, tick in enumerate(ticks) if minutes["n2"].up >> at & 1}
        return found


TICKS = range(100, 112)
GAPS = st.one_of(st.floats(0.1, 4.0), st.floats(0.1, 90.0))
ENDS = st.floats(0.0, 75.0).map(lambda at_s: round(at_s, 3))
OFFSETS = st.floats(0.0, 30.0).map(lambda at_s: round(at_s, 3))


@settings(max_examples=300)
@given(
    st.lists(st.tuples(GAPS, st.booleans()), max_size=30),
    st.lists(st.tuples(ENDS, OFFSETS), min_size=len(TICKS), max_size=len(TICKS)),
)
def test_what_counts_as_up_can_be_drawn_whenever_a_node_leaves_moves_and_comes_back(
    turns: list[tuple[float, bool]], offsets: list[tuple[float, float]]
) -> None:
    """Goodbyes around each draw gain no minute; whichever of check and sweep comes first."""
    said = Node(
        node_id="n2", stream_id="s3", stats_url="http://192.0.2.5/", rtmp_host="192.0.2.5",
        rtmp_port=1935, agent="", engine="", state="running", joined_s=1.0, changed_s=1.0,
    )  # fmt: skip
    node = Node2(said)
    at_s = (TICKS.start * 60 + round(at_s, 3) for at_s in accumulate(gap for gap, _ in turns))
    happens = [(each_s, int(moves) - 1, 0) for each_s, (_, moves) in zip(at_s, turns, strict=True)]
    for tick, (end_s, sweep_s) in zip(TICKS, offsets, strict=True):
        happens += [(tick * 60 + end_s, 1, tick), (tick * 60 + sweep_s, 2, tick)]
    for now_s, what, tick in sorted(happens):
        if what == -1:
            node.turns(now_s)
        elif what == 0:
            node.moves(now_s)
        elif what == 1:
            node.is_checked(tick)
        else:
            node.is_swept(tick)
    counted = node.counted(TICKS)
    assert {tick + 1 for tick in counted if tick + 1 in TICKS} <= node.drawn
