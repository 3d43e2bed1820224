"""Whatever counts as up can be drawn for a check, and whoever audits finds the same nodes."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from coordinator.checking.checks import Run
from coordinator.checking.sealed_days import LotteryDay
from coordinator.reasons import Reason
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from coordinator.sweeping.uptime import minutes_of
from prober.draws import candidates
from tests.builders import STREAM_ID, a_slot
from tools.verify.day_audit import DayAudit

TICKS = range(28_800_000, 28_800_011)
NODES = 5
PRESENT = st.none() | st.integers(TICKS.start, TICKS.stop)
OUTCOMES = st.none() | st.sampled_from([*[Outcome.UNKNOWN] * 4, *[Outcome.UP] * 2, *Outcome])
"""None: the sweep left the node out."""


@st.composite
def swept(draw: st.DrawFn) -> tuple[Roster, list[Sweep]]:
    """A roster whose nodes come and go, and sweeps in some of the ticks."""
    slots = tuple(
        a_slot(f"n{at}", joined_tick=draw(st.integers(TICKS.start - 2, TICKS.stop)), left_tick=left)
        for at, left in enumerate(draw(st.lists(PRESENT, min_size=NODES, max_size=NODES)))
    )
    roster = Roster(WHOLE, 1, 0.0, slots)
    sweeps = []
    for tick in TICKS:
        found = draw(st.lists(OUTCOMES, min_size=NODES, max_size=NODES))
        polls = {
            at: Poll(outcome, Reason.OK, 1, 1)
            for at, outcome in enumerate(found)
            if outcome and slots[at].is_polled_at(tick)
        }
        if draw(st.integers(0, 6)):
            sweeps.append(Sweep(WHOLE, tick, 1, polls))
    return roster, sweeps


@given(swept(), st.booleans())
def test_what_counts_as_up_can_be_drawn(given_: tuple[Roster, list[Sweep]], last_up: bool) -> None:
    """In each minute that was swept, whatever made it count: S1 of the strategies that paid."""
    roster, sweeps = given_
    minutes = minutes_of(STREAM_ID, TICKS, {(WHOLE, 1): roster}, [s.bits() for s in sweeps])
    for sweep in sweeps:
        drawn_from = {slot.node_id for slot in candidates([sweep], {WHOLE: roster})}
        up = {
            node_id
            for node_id, of_node in minutes.items()
            if of_node.filled(last_up) >> (sweep.tick - TICKS.start) & 1
        }
        assert up <= drawn_from


@given(swept())
def test_who_audits_a_day_finds_the_same_candidates(
    given_: tuple[Roster, list[Sweep]],
) -> None:
    """Out of the published bitmaps alone."""
    roster, sweeps = given_
    day = LotteryDay(date(2026, 11, 29), "", 60, 4, 0.0)
    published = {sweep.id: sweep.bits() for sweep in sweeps}
    audit = DayAudit(day, 60, published, {(WHOLE, 1): roster})
    for sweep in sweeps:
        run = Run(sweep.tick, 0.0, 0.0, (sweep.id,), {}, ())
        drawn_from = {slot.node_id for slot in candidates([sweep], {WHOLE: roster})}
        assert set(audit._candidates(run)) == drawn_from
