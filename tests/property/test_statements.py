"""Laws of settling, over random evidence."""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.ledger.forfeits import Forfeit
from coordinator.ledger.newcomers import Newcomer
from coordinator.ledger.rows import Carried
from coordinator.ledger.settlements import EpochInput, draft, settle
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes

NODES = ["n2", "n3", "n5", "n7", "n11", "n13", "n17"]
TICKS = 12
BITS = st.integers(0, (1 << TICKS) - 1)
ADDRESSES = ["203.0.114.2", "203.0.114.3", "203.0.114.5", "198.18.7.1", "8.8.4.4", "10.0.0.7"]
BALANCES = st.integers(0, 10**8)


@st.composite
def minutes(draw: st.DrawFn) -> Minutes:
    """A due minute is in one place."""
    due = left = draw(BITS)
    parts = []
    for _ in range(7):
        parts.append(draw(BITS) & left)
        left &= ~parts[-1]
    return replace(Minutes(due, *parts), unknown_alone=parts[1] & draw(BITS))


CHECKS = st.builds(
    lambda node_id, at, verdict, event, address, voids_from_s, stream_id, owes: Check(
        node_id,
        stream_id,
        120 + at,
        600 + at * 5.0,
        verdict,
        Reason.PASSED,
        event=event,
        attempts=({"address": address},),
        voids_from_s=voids_from_s,
        owes=owes,
    ),
    st.sampled_from(NODES),
    st.integers(0, 11),
    st.sampled_from([Verdict.PASS, Verdict.PASS, *Verdict]),
    st.sampled_from([None, None, None, None, *TrustChange]),
    st.sampled_from(ADDRESSES),
    st.none() | st.integers(590, 660),
    st.sampled_from(["s3", "s3", "s3", "s7"]),
    st.integers(0, 2),
)
CARRIED = st.builds(
    Carried,
    first_pass_s=st.none() | st.floats(0, 599),
    waiting=st.integers(7, 30),
    unknown_alone=st.integers(0, 7),
    halted=st.none() | st.integers(0, 30),
    last_up=st.booleans(),
    flagged=st.booleans(),
    fraud=st.booleans(),
    parked=st.integers(0, 30),
    absent=st.integers(0, 24),
    held=st.integers(0, 30),
)

NEWCOMERS = st.builds(
    Newcomer,
    st.integers(570, 680),
    st.just(5),
    st.lists(st.integers(114, 131).map(lambda tick: tick * 5), max_size=2).map(tuple),
)


@st.composite
def evidences(draw: st.DrawFn) -> EpochInput:
    """Any epoch of twelve ticks of 5 s."""
    checks = draw(st.lists(CHECKS, max_size=30, unique_by=lambda c: (c.node_id, c.draw)))
    frauds = draw(st.frozensets(st.sampled_from(NODES), max_size=2))
    return EpochInput(
        stream_id="s3",
        epoch=10,
        starts_s=600,
        ends_s=660,
        terms=Terms(
            draw(st.integers(1, 10**9)),
            draw(st.integers(1, 7)),
            5,
            network_percent=draw(st.sampled_from([1, 20, 50, 100])),
            network_nodes_free=draw(st.integers(1, 3)),
            unknown_minutes_max=draw(st.integers(0, 7)),
        ),
        minutes=draw(st.dictionaries(st.sampled_from(NODES), minutes())),
        checks=[check for check in checks if check.stream_id == "s3"],
        elsewhere=[check for check in checks if check.stream_id != "s3"],
        carried=draw(st.dictionaries(st.sampled_from(NODES), CARRIED)),
        frauds=frauds,
        forfeits={
            node_id: Forfeit(draw(st.integers(1, 10**6)), is_held=draw(st.booleans()))
            for node_id in sorted(frauds)
        },
        newcomers=draw(st.dictionaries(st.sampled_from(NODES), NEWCOMERS)),
        check_seconds=5,
        closes=draw(st.booleans()),
    )


@given(evidences(), BALANCES)
def test_tokens_are_neither_made_nor_lost(evidence: EpochInput, balance: int) -> None:
    """What is paid leaves the balance, what comes back enters it; it never goes below zero."""
    statement = settle(evidence, balance)
    assert statement.paid_micros == sum(row.earned_micros for row in statement.rows)
    assert statement.forfeited_micros == sum(row.forfeited_micros for row in statement.rows)
    after = balance - statement.paid_micros + statement.forfeited_micros
    assert statement.balance_after_micros == after - statement.refunded_micros
    assert min(statement.balance_after_micros, statement.refunded_micros) >= 0
    assert statement.paid_micros <= balance
    assert all(row.earned_micros >= 0 and row.short_micros >= 0 for row in statement.rows)
    if evidence.closes:
        assert statement.balance_after_micros == 0


@given(evidences(), BALANCES)
def test_every_minute_is_accounted_for(evidence: EpochInput, balance: int) -> None:
    """Each was paid or has a reason; no reason stands for nothing."""
    for row in settle(evidence, balance).rows:
        went = row.minutes_paid + sum(minutes for _, minutes in row.unpaid)
        assert went == row.minutes_due + row.minutes_waiting_before + row.minutes_held_back
        assert all(minutes > 0 for _, minutes in row.unpaid)
        undecided = Reason.AWAITING_CHECK, Reason.SUSPECTED, Reason.OWING
        assert row.minutes_waiting == row.minutes_unpaid(*undecided)


@given(evidences(), BALANCES, st.randoms())
def test_the_order_of_the_evidence_does_not_matter(
    evidence: EpochInput, balance: int, shuffler: random.Random
) -> None:
    """Neither of checks nor of nodes nor of what they carry."""
    checks = list(evidence.checks)
    shuffler.shuffle(checks)
    nodes, carried = list(evidence.minutes.items()), list(evidence.carried.items())
    shuffler.shuffle(nodes)
    shuffler.shuffle(carried)
    mixed = replace(evidence, checks=checks, minutes=dict(nodes), carried=dict(carried))
    assert settle(mixed, balance) == settle(evidence, balance)


@given(evidences(), BALANCES, st.randoms())
def test_the_order_of_the_rows_does_not_matter(
    evidence: EpochInput, balance: int, shuffler: random.Random
) -> None:
    """Whoever stands where: the same tokens, short balance included."""
    drafted = draft(evidence)
    rows = list(drafted.rows)
    shuffler.shuffle(rows)
    mixed = replace(drafted, rows=tuple(rows)).paid_from(balance)
    assert {r.node_id: r for r in mixed.rows} == {
        r.node_id: r for r in drafted.paid_from(balance).rows
    }


@given(evidences(), BALANCES)
def test_a_row_that_was_not_paid_in_full_says_why(evidence: EpochInput, balance: int) -> None:
    """`ok` stands only where every minute was paid."""
    for row in settle(evidence, balance).rows:
        if row.unpaid or row.short_micros:
            assert row.reason is not Reason.OK


@given(evidences(), BALANCES)
def test_no_more_nodes_are_paid_for_a_minute_than_the_stream_pays(
    evidence: EpochInput, balance: int
) -> None:
    """Whoever they are."""
    rows = settle(evidence, balance).rows
    for minute in range(TICKS):
        paid = sum(row.paid_bits >> minute & 1 for row in rows)
        assert paid <= evidence.terms.max_paid_nodes


@given(evidences(), BALANCES, st.sampled_from(NODES))
@settings(max_examples=200)
def test_one_more_minute_up_never_lowers_a_nodes_pay(
    evidence: EpochInput, balance: int, node_id: str
) -> None:
    """Raising a node's verified minutes cannot cost it, whatever the balance."""
    before = _earned(settle(evidence, balance), node_id)
    more = evidence.minutes.get(node_id, Minutes())
    raised = {**evidence.minutes, node_id: Minutes(more.due, up=more.due)}
    assert _earned(settle(replace(evidence, minutes=raised), balance), node_id) >= before


@given(evidences(), BALANCES)
def test_a_statement_survives_its_document(evidence: EpochInput, balance: int) -> None:
    """Byte for byte, so that it can be recomputed and compared."""
    statement = settle(evidence, balance)
    assert Statement.from_documents(statement.to_documents()) == statement


def _earned(statement: Statement, node_id: str) -> int:
    return sum(row.earned_micros for row in statement.rows if row.node_id == node_id)
