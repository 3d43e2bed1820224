"""Who is drawn, and what a run does when it is triggered."""

import pytest

from coordinator.checking.checks import Verdict
from coordinator.checking.lottery import Lottery
from coordinator.checking.suspicion import Trust, TrustState
from coordinator.checking.trust_book import TrustBook
from coordinator.proof.judging import Proof
from coordinator.reasons import Reason
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from prober.checker import Capacity, decide
from prober.draws import candidates, due_in
from tests.builders import a_slot

LOTTERY = Lottery(b"\x07" * 32, check_seconds=60, checks_per_hour=30)


SLOTS = [a_slot(f"n{i}") for i in range(40)]


def test_only_nodes_that_claim_health_are_candidates() -> None:
    """A node that says it is down is believed."""
    polls = {
        0: Poll(Outcome.UP, Reason.OK, 5, 5),
        1: Poll(Outcome.IDLE, Reason.STREAM_IDLE, 5, 5),
        2: Poll(Outcome.DOWN, Reason.CONNECT_FAILED, 5, 5),
        5: Poll(Outcome.UP, Reason.OK, 5, 5),
    }
    found = candidates([Sweep(WHOLE, 9, 1, polls)], {WHOLE: Roster(WHOLE, 1, 0.0, tuple(SLOTS))})
    assert [slot.node_id for slot in found] == ["n0", "n5"]


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


def test_a_confirmed_fraud_is_not_checked_any_more() -> None:
    """It earns nothing, so there is nothing to check."""
    book = TrustBook({slot.node_id: TrustState(trust=Trust.FRAUD) for slot in SLOTS})
    assert due_in(1_000, SLOTS, book, LOTTERY, 60) == []


PASS = Proof(Verdict.PASS, Reason.PASSED)
FAIL = Proof(Verdict.FAIL, Reason.STALLED)
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
    ],
)
def test_a_failure_counts_only_when_its_retest_fails(
    proofs: list[Proof], verdict: Verdict, reason: Reason
) -> None:
    """And a doubtful pass only when the long one after it passes."""
    assert decide(proofs) == (verdict, reason)


def test_capacity_is_refused_rather_than_queued() -> None:
    """More captures at once would make honest nodes look late."""
    capacity = Capacity(2)
    assert [capacity.take() for _ in range(3)] == [True, True, False]
    capacity.give_back()
    assert capacity.take()
