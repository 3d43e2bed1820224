"""Laws of settling, over random evidence."""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.checks import Check, Event, Verdict
from coordinator.reasons import Reason
from coordinator.statements import Carried, Evidence, Minutes, Statement, Terms, settle

NODES = ["n2", "n3", "n5", "n7"]
TICKS = 12
BITS = st.integers(0, (1 << TICKS) - 1)


@st.composite
def minutes(draw: st.DrawFn) -> Minutes:
    """Due, up and unknown never contradict each other."""
    due = draw(BITS)
    unknown = draw(BITS) & due
    return Minutes(due, draw(BITS) & due & ~unknown, unknown)


CHECKS = st.builds(
    lambda node_id, at, verdict, event: Check(
        node_id, "s3", at, 600 + at * 5.0, verdict, Reason.PASSED, event=event
    ),
    st.sampled_from(NODES),
    st.integers(0, 11),
    st.sampled_from(Verdict),
    st.sampled_from([None, None, None, *Event]),
)
CARRIED = st.builds(
    Carried,
    st.none() | st.floats(0, 599),
    st.integers(0, 30),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """Any epoch of twelve ticks of 5 s."""
    checks = draw(st.lists(CHECKS, max_size=20, unique_by=lambda c: (c.node_id, c.draw)))
    return Evidence(
        stream_id="s3",
        epoch=10,
        starts_s=600,
        ends_s=660,
        terms=Terms(draw(st.integers(1, 10**9)), draw(st.integers(1, 4)), 5),
        balance_micros=draw(st.integers(0, 10**8)),
        minutes=draw(st.dictionaries(st.sampled_from(NODES), minutes())),
        checks=checks,
        carried=draw(st.dictionaries(st.sampled_from(NODES), CARRIED)),
    )


@given(evidences())
def test_tokens_are_neither_made_nor_lost(evidence: Evidence) -> None:
    """What is paid leaves the balance, and the balance never goes below zero."""
    statement = settle(evidence)
    assert statement.paid_micros == sum(row.earned_micros for row in statement.rows)
    assert statement.balance_after_micros == evidence.balance_micros - statement.paid_micros
    assert statement.balance_after_micros >= 0
    assert all(row.earned_micros >= 0 and row.short_micros >= 0 for row in statement.rows)


@given(evidences())
def test_every_minute_is_accounted_for(evidence: Evidence) -> None:
    """Each went to exactly one place."""
    for row in settle(evidence).rows:
        went = (
            row.minutes_paid
            + row.minutes_unproven
            + row.minutes_voided
            + row.minutes_beyond
            + row.minutes_waiting
        )
        assert went == row.minutes_up + row.minutes_waiting_before


@given(evidences(), st.randoms())
def test_the_order_of_the_evidence_does_not_matter(
    evidence: Evidence, shuffler: random.Random
) -> None:
    """Neither of checks nor of nodes."""
    checks = list(evidence.checks)
    shuffler.shuffle(checks)
    nodes = list(evidence.minutes.items())
    shuffler.shuffle(nodes)
    assert settle(replace(evidence, checks=checks, minutes=dict(nodes))) == settle(evidence)


@given(evidences())
def test_a_row_that_was_not_paid_in_full_says_why(evidence: Evidence) -> None:
    """`ok` stands only where every minute was paid."""
    for row in settle(evidence).rows:
        unpaid = row.minutes_up + row.minutes_waiting_before - row.minutes_paid
        if unpaid or row.short_micros:
            assert row.reason is not Reason.OK


@given(evidences())
def test_no_more_nodes_are_paid_than_the_stream_pays(evidence: Evidence) -> None:
    """Whoever they are."""
    paid = [row for row in settle(evidence).rows if row.minutes_paid]
    assert len(paid) <= evidence.terms.max_paid_nodes


@given(evidences(), st.sampled_from(NODES))
@settings(max_examples=200)
def test_one_more_minute_up_never_lowers_a_nodes_pay(evidence: Evidence, node_id: str) -> None:
    """Raising a node's verified minutes cannot cost it."""
    before = _earned(settle(evidence), node_id)
    more = evidence.minutes.get(node_id, Minutes())
    better = replace(more, up=more.due & ~more.unknown)
    raised = replace(evidence, minutes={**evidence.minutes, node_id: better})
    assert _earned(settle(raised), node_id) >= before


@given(evidences())
def test_a_statement_survives_its_document(evidence: Evidence) -> None:
    """Byte for byte, so that it can be recomputed and compared."""
    statement = settle(evidence)
    assert Statement.from_fields(statement.to_fields()) == statement


def _earned(statement: Statement, node_id: str) -> int:
    return sum(row.earned_micros for row in statement.rows if row.node_id == node_id)
