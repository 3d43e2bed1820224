"""Who is drawn, and what a run does when it is triggered."""

from dataclasses import replace

import pytest

from coordinator.checking.checks import Control, Verdict
from coordinator.checking.lengths import Length, is_cut
from coordinator.checking.lottery import Lottery
from coordinator.checking.suspicion import Trust, TrustState
from coordinator.checking.trust_book import TrustBook
from coordinator.proof.captures import Capture
from coordinator.proof.judging import Proof
from coordinator.reasons import Reason
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from prober.checker import decide
from prober.draws import candidates, due_in
from prober.evidence import attempt_of
from tests.builders import a_slot

LOTTERY = Lottery(b"\x07" * 32, check_seconds=60, checks_per_hour=30)


SLOTS = [a_slot(f"n{i}") for i in range(40)]


def test_only_nodes_whose_minute_may_count_are_candidates() -> None:
    """A node that says it is down is believed. One that was not measured is drawn as well, unless
    it was off before: our fault in measuring must not have it fail a check."""
    polls = {
        0: Poll(Outcome.UP, Reason.OK, 5, 5),
        1: Poll(Outcome.IDLE, Reason.STREAM_IDLE, 5, 5),
        2: Poll(Outcome.DOWN, Reason.CONNECT_FAILED, 5, 5),
        3: Poll(Outcome.UNKNOWN, Reason.UNKNOWN_INTERNAL, 5, 5),
        5: Poll(Outcome.UP, Reason.OK, 5, 5),
        6: Poll(Outcome.UNKNOWN, Reason.UNKNOWN_INTERNAL, 5, 5, was_up=False),
    }
    roster = Roster(WHOLE, 1, 0.0, tuple(SLOTS[:7]))
    found = candidates([Sweep(WHOLE, 9, 1, polls)], {WHOLE: roster})
    assert [slot.node_id for slot in found] == ["n0", "n3", "n4", "n5"]


def test_a_draw_is_the_lotterys_and_nothing_else() -> None:
    """Everyone can recompute it once the day's secret is out."""
    due = due_in(1_000, SLOTS, TrustBook(), LOTTERY, 60)
    expected = {slot.node_id for slot in SLOTS if LOTTERY.is_due(slot.node_id, 1_000, 420)}
    assert {one.slot.node_id for one in due} == expected
    assert 0 < len(due) < len(SLOTS)
    assert [one.due_s for one in due] == sorted(one.due_s for one in due)
    assert all(one.caused_by_s is None for one in due)


def test_a_flagged_node_is_retested_in_every_draw() -> None:
    """Marked as such, so that no check looks aimed."""
    book = TrustBook({"n3": TrustState(trust=Trust.FLAGGED, flagged_s=77.0)})
    for draw in range(1_000, 1_020):
        (one,) = [d for d in due_in(draw, SLOTS, book, LOTTERY, 60) if d.slot.node_id == "n3"]
        assert one.caused_by_s == (None if LOTTERY.is_due("n3", draw, 420) else 77.0)


def test_it_is_known_of_each_whether_it_ever_passed() -> None:
    """What a newcomer's name leads to nobody could know yet."""
    book = TrustBook({"n3": TrustState(trust=Trust.FLAGGED, flagged_s=77.0, last_pass_s=7.0)})
    due = due_in(1_000, SLOTS, book, LOTTERY, 60)
    assert {one.slot.node_id for one in due if one.has_passed} == {"n3"}


def test_a_confirmed_fraud_is_not_checked_any_more() -> None:
    """It earns nothing, so there is nothing to check."""
    book = TrustBook({slot.node_id: TrustState(trust=Trust.FRAUD) for slot in SLOTS})
    assert due_in(1_000, SLOTS, book, LOTTERY, 60) == []


PASS = Proof(Verdict.PASS, Reason.PASSED)
FAIL = Proof(Verdict.FAIL, Reason.STALLED)
CUT = replace(FAIL, lasted_s=59.0)
UNKNOWN = Proof(Verdict.UNKNOWN, Reason.UNKNOWN_INGEST_DOWN)


@pytest.mark.parametrize(
    ("proofs", "verdict", "reason"),
    [
        ([PASS], Verdict.PASS, Reason.PASSED),
        ([UNKNOWN], Verdict.UNKNOWN, Reason.UNKNOWN_INGEST_DOWN),
        ([FAIL, FAIL], Verdict.FAIL, Reason.STALLED),
        ([FAIL, PASS], Verdict.DEGRADED, Reason.DEGRADED),
        ([FAIL, UNKNOWN], Verdict.UNKNOWN, Reason.UNKNOWN_INGEST_DOWN),
        ([PASS, PASS], Verdict.PASS, Reason.PASSED),
        ([PASS, FAIL, FAIL], Verdict.FAIL, Reason.STALLED),
        ([PASS, FAIL, PASS], Verdict.DEGRADED, Reason.DEGRADED),
        ([CUT, PASS], Verdict.DEGRADED, Reason.CUT),
        ([CUT, FAIL], Verdict.FAIL, Reason.STALLED),
        ([CUT, UNKNOWN], Verdict.UNKNOWN, Reason.UNKNOWN_INGEST_DOWN),
        ([replace(CUT, lasted_s=1.9), PASS], Verdict.DEGRADED, Reason.DEGRADED),
    ],
)
def test_a_failure_counts_only_when_its_retest_fails(
    proofs: list[Proof], verdict: Verdict, reason: Reason
) -> None:
    """And a doubtful pass only when the long one after it passes."""
    assert decide(proofs) == (verdict, reason)


def test_an_attempt_says_how_long_it_lasted_where_that_is_known() -> None:
    """Whether a check was cut follows from what is published, and from nothing else."""
    capture = Capture(7.0, 127.0)
    for proof in (PASS, FAIL, UNKNOWN):
        assert "lasted_s" not in attempt_of(proof, capture)
    for lasted_s in (0.0, 1.9, 2.0, 59.0):
        proof = replace(FAIL, lasted_s=lasted_s)
        assert is_cut(attempt_of(proof, capture)["lasted_s"]) is proof.is_cut is (lasted_s >= 2)


def test_newcomers_and_retests_are_extra_and_controls_are_not() -> None:
    """Half of the places are kept from them; a run without its controls would be worth nothing."""
    newcomer = replace(a_slot("new"), joined_tick=998)
    flagged = TrustState(trust=Trust.FLAGGED, flagged_s=77.0)
    staked = TrustState(trust=Trust.PROVEN, stake_slot=150, stake_bits=(1 << 45) - 1)
    book = TrustBook(
        {"n3": flagged, "good": flagged}
        | {slot.node_id: staked for slot in SLOTS if slot.node_id != "n3"}
    )
    slots = [*SLOTS, newcomer, replace(a_slot("good"), joined_tick=998)]
    kinds: dict[str, set[bool]] = {}
    for draw in range(1_000, 1_005):
        for one in due_in(draw, slots, book, LOTTERY, 60, {"good": Control.GOOD}):
            name = one.slot.node_id if one.slot.node_id in ("n3", "new", "good") else "others"
            is_drawn_anyway = name == "n3" and one.caused_by_s is None
            kinds.setdefault(name, set()).update(() if is_drawn_anyway else (one.is_extra,))
    assert kinds == {"n3": {True}, "new": {True}, "good": {False}, "others": {False}}


def test_who_has_nothing_to_lose_is_watched_for_two_minutes_and_as_an_extra() -> None:
    """Were those not kept from half of the places, a crowd of keys would take them all."""
    staked = TrustState(stake_slot=150, stake_bits=(1 << 45) - 1)
    everyone = TrustBook({slot.node_id: staked for slot in SLOTS})
    for draw in range(1_000, 1_010):
        new = due_in(draw, SLOTS, TrustBook(), LOTTERY, 60)
        old = due_in(draw, SLOTS, everyone, LOTTERY, 60)
        assert {one.length for one in new} == {Length.VERY_LONG}
        assert [one.length for one in old] == [LOTTERY.length(d.slot.node_id, draw) for d in old]
        drawn = [one.length is Length.VERY_LONG for one in old]
        assert [not one.is_extra for one in new] == drawn
        assert not any(one.is_extra for one in old)
    controls = dict.fromkeys((slot.node_id for slot in SLOTS), Control.GOOD)
    found = due_in(1_000, SLOTS, TrustBook(), LOTTERY, 60, controls)
    assert [d.length for d in found] == [LOTTERY.length(d.slot.node_id, 1_000) for d in found]


def test_who_shares_an_address_is_watched_for_two_minutes() -> None:
    """Beside a node that keeps its word; a control node is nobody's neighbour."""
    rich = TrustState(stake_slot=150, stake_bits=(1 << 45) - 1, last_check_s=59_000.0)
    kept = replace(rich, last_reason=Reason.PASSED.value)
    alone = TrustBook({slot.node_id: kept for slot in SLOTS})
    shared = TrustBook({slot.node_id: replace(kept, place=7) for slot in SLOTS})
    controls = dict.fromkeys((slot.node_id for slot in SLOTS), Control.GOOD)
    for draw in range(1_000, 1_010):
        drawn = [
            LOTTERY.length(d.slot.node_id, draw) for d in due_in(draw, SLOTS, alone, LOTTERY, 60)
        ]
        assert [d.length for d in due_in(draw, SLOTS, alone, LOTTERY, 60)] == drawn
        beside = due_in(draw, SLOTS, shared, LOTTERY, 60)
        assert {(one.length, one.is_watched) for one in beside} == {(Length.VERY_LONG, True)}
        assert [one.is_extra for one in beside] == [d is not Length.VERY_LONG for d in drawn]
        among = due_in(draw, SLOTS, shared, LOTTERY, 60, controls)
        assert [d.length for d in among] == [LOTTERY.length(d.slot.node_id, draw) for d in among]
        assert not any(d.is_watched for d in among + due_in(draw, SLOTS, alone, LOTTERY, 60))


@pytest.mark.parametrize("trust", [Trust.PROVEN, Trust.UNPROVEN, Trust.SUSPENDED])
def test_a_first_failure_is_retested_in_two_draws_that_name_it(trust: Trust) -> None:
    """As far as it took the node off lists: nobody else's is."""
    state = TrustState(trust=trust, delisted_s=59_997.5)
    book = TrustBook({"n3": state})
    found = [
        (draw, one.caused_by_s)
        for draw in range(999, 1_010)
        for one in due_in(draw, SLOTS, book, LOTTERY, 60)
        if one.slot.node_id == "n3" and not LOTTERY.is_due("n3", draw, 420)
    ]
    drawn = [draw for draw in (1_001, 1_002) if LOTTERY.is_due("n3", draw, 420)]
    expected = [(draw, 59_997.5) for draw in (1_001, 1_002) if draw not in drawn]
    assert found == (expected if trust is Trust.PROVEN else [])
