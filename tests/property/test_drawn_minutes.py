"""Whatever counts as up can be drawn for a check, and whoever audits finds the same nodes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from coordinator.checking.checks import Run
from coordinator.checking.sealed_days import LotteryDay
from coordinator.reasons import Reason
from coordinator.strangers.relay_stats import Media, RelayStats
from coordinator.sweeping.polls import Outcome, Poll, outcome_of
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from coordinator.sweeping.uptime import minutes_of
from prober.draws import candidates
from tests.builders import STREAM_ID, a_slot
from tools.verify.day_audit import DayAudit
from tools.verify.sweep_audit import memory_findings

TICKS = range(28_800_000, 28_800_011)
NODES = 5
PRESENT = st.none() | st.integers(TICKS.start, TICKS.stop)
ANSWERS: dict[Outcome, RelayStats | Reason] = {
    Outcome.UP: RelayStats(Media.LIVE),
    Outcome.IDLE: RelayStats(Media.WAITING),
    Outcome.DOWN: Reason.CONNECT_FAILED,
    Outcome.INVALID: Reason.STATS_INVALID,
    Outcome.BLOCKED: Reason.PORT_BLOCKED,
    Outcome.UNKNOWN: Reason.UNKNOWN_INTERNAL,
}
OFTEN = (*[Outcome.UNKNOWN] * 4, *[Outcome.UP] * 2)
OUTCOMES = st.none() | st.sampled_from([*OFTEN, *ANSWERS])
"""None: the sweep left the node out."""


@st.composite
def swept(draw: st.DrawFn) -> tuple[Roster, list[Sweep]]:
    """A roster whose nodes come and go, and sweeps in some of the ticks."""
    slots = tuple(
        a_slot(f"n{at}", joined_tick=draw(st.integers(TICKS.start - 2, TICKS.stop)), left_tick=left)
        for at, left in enumerate(draw(st.lists(PRESENT, min_size=NODES, max_size=NODES)))
    )
    roster = Roster(WHOLE, 1, 0.0, slots)
    sweeps: list[Sweep] = []
    for tick in TICKS:
        found = draw(st.lists(OUTCOMES, min_size=NODES, max_size=NODES))
        last: Mapping[int, Poll] = sweeps[-1].polls if sweeps else {}
        polls = {
            at: outcome_of(
                slots[at], ANSWERS[outcome], last.get(at), stream_is_live=False, tick=tick
            )
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
    # Who joins with the epoch's first minute was not there in the one before it.
    stood = {slot.node_id for slot in roster.slots if slot.joined_tick < TICKS.start}
    minutes = minutes_of(STREAM_ID, TICKS, {(WHOLE, 1): roster}, [s.bits() for s in sweeps])
    for sweep in sweeps:
        drawn_from = {slot.node_id for slot in candidates([sweep], {WHOLE: roster})}
        up = {
            node_id
            for node_id, of_node in minutes.items()
            if of_node.filled(last_up and node_id in stood) >> (sweep.tick - TICKS.start) & 1
        }
        assert up <= drawn_from


@given(swept())
def test_who_was_not_up_before_is_not_drawn_by_our_own_fault(
    given_: tuple[Roster, list[Sweep]],
) -> None:
    """However long nobody is measured: its minutes do not count, and a check would fail."""
    roster, sweeps = given_
    measured: dict[str, Outcome] = {}
    for sweep in sweeps:
        drawn_from = {slot.node_id for slot in candidates([sweep], {WHOLE: roster})}
        for at, slot in enumerate(roster.slots):
            poll = sweep.polls.get(at)
            if poll is None:  # left out: what it was is not known to the next sweep
                measured.pop(slot.node_id, None)
            elif poll.outcome is not Outcome.UNKNOWN:
                measured[slot.node_id] = poll.outcome
            elif slot.node_id in measured:
                was_up = measured[slot.node_id] is Outcome.UP
                assert (slot.node_id in drawn_from) is was_up


@given(swept(), st.data())
def test_who_audits_sweeps_finds_who_is_called_down_or_up(
    given_: tuple[Roster, list[Sweep]], data: st.DataObject
) -> None:
    """A coordinator would spare a friend so, or aim at who is off."""
    roster, sweeps = given_
    rosters = {(WHOLE, 1): roster}
    published = [sweep.bits() for sweep in sweeps]
    assert list(memory_findings(published, rosters)) == []
    after = [
        (at, p) for at, p in enumerate(published) if at and p.unknown & published[at - 1].probed
    ]
    if after:
        at, bits = data.draw(st.sampled_from(after))
        known = bits.unknown & published[at - 1].probed
        slot = data.draw(st.sampled_from([n for n in range(NODES) if known >> n & 1]))
        published[at] = replace(bits, not_up_before=bits.not_up_before ^ 1 << slot)
        found = list(memory_findings(published, rosters))
        assert f"how n{slot} stood" in found[0]


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
