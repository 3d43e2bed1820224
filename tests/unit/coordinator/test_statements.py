"""Where every minute of an epoch goes, and what it earns."""

from dataclasses import replace
from typing import Any

from coordinator.checks import Check, Event, Verdict
from coordinator.reasons import Reason
from coordinator.statements import Carried, Evidence, Minutes, Row, Statement, Terms, settle

MINUTE = 60
TERMS = Terms(rate_micros_per_hour=7_200_000, max_paid_nodes=5, minute_seconds=MINUTE)
ALL_UP = Minutes(due=(1 << 60) - 1, up=(1 << 60) - 1)
MICROS_A_MINUTE = 120_000


def _check(minute: float, verdict: Verdict = Verdict.PASS, event: Event | None = None) -> Check:
    reason = {
        Verdict.PASS: Reason.PASSED,
        Verdict.DEGRADED: Reason.DEGRADED,
        Verdict.FAIL: Reason.NO_STREAM,
        Verdict.UNKNOWN: Reason.UNKNOWN_INGEST_DOWN,
    }[verdict]
    due_s = 3600 + minute * MINUTE
    return Check("n2", "s3", int(due_s // 60), due_s, verdict, reason, event=event)


def _fail(minute: float, event: Event | None = None) -> Check:
    return _check(minute, Verdict.FAIL, event)


def _evidence(*checks: Check, **more: Any) -> Evidence:
    return replace(
        Evidence("s3", 1, 3600, 7200, TERMS, 10**9, {"n2": ALL_UP}, checks),
        **more,
    )


def _row(*checks: Check, minutes: Minutes = ALL_UP, **more: Any) -> Row:
    (row,) = settle(_evidence(*checks, minutes={"n2": minutes}, **more)).rows
    return row


PROVEN = {"n2": Carried(first_pass_s=1800.0)}


def test_minutes_are_paid_when_the_next_check_passes() -> None:
    """Those after the last check wait."""
    row = _row(_check(19.5), _check(39.5), carried=PROVEN)
    assert (row.minutes_paid, row.minutes_waiting) == (40, 20)
    assert row.earned_micros == 40 * MICROS_A_MINUTE
    assert row.reason is Reason.AWAITING_CHECK
    assert row.carried.waiting == 20


def test_waiting_minutes_are_paid_with_the_next_pass() -> None:
    """In a later epoch, in that one's statement."""
    row = _row(_check(4.5), carried={"n2": Carried(1800.0, waiting=20)})
    assert row.minutes_waiting_before == 20
    assert row.minutes_paid == 25


def test_pay_starts_with_the_first_passed_check() -> None:
    """Minutes before it were never held to anything."""
    row = _row(_check(9.5), _check(29.5))
    assert (row.minutes_unproven, row.minutes_paid) == (10, 20)
    assert row.carried.first_pass_s == 3600 + 9.5 * MINUTE


def test_a_failed_check_voids_back_to_the_one_before() -> None:
    """And says which check it was."""
    row = _row(_check(9.5), _fail(29.5), _check(39.5), carried=PROVEN)
    assert (row.minutes_paid, row.minutes_voided) == (20, 20)
    assert row.voided_by_s == (3600 + 29.5 * MINUTE,)
    assert row.reason is Reason.VOIDED


def test_a_degraded_check_voids_nothing() -> None:
    """It passed, on the second connection."""
    assert _row(_check(59, Verdict.DEGRADED), carried=PROVEN).minutes_paid == 60


def test_an_unknown_check_decides_nothing() -> None:
    """Our own fault is nobody's loss, and nobody's gain."""
    row = _row(_check(29.5, Verdict.UNKNOWN), carried=PROVEN)
    assert (row.minutes_paid, row.minutes_voided, row.minutes_waiting) == (0, 0, 60)


def test_minutes_that_we_failed_to_measure_count_as_the_one_before() -> None:
    """Up stays up, down stays down; the first one looks at the epoch before."""
    five = (1 << 5) - 1
    minutes = Minutes(due=five, up=0b00010, unknown=0b01101)
    assert _row(_check(59), minutes=minutes, carried=PROVEN).minutes_paid == 3
    was_up = {"n2": Carried(1800.0, last_up=True)}
    assert _row(_check(59), minutes=minutes, carried=was_up).minutes_paid == 4


def test_an_unmeasured_minute_off_the_roster_is_nothing() -> None:
    """Only minutes that were due can be up."""
    minutes = Minutes(due=0b0011, up=0b0011, unknown=0b1100)
    assert _row(_check(59), minutes=minutes, carried=PROVEN).minutes_paid == 2


def test_minutes_of_a_flagged_node_wait_and_are_paid_when_it_is_cleared() -> None:
    """Passing retests do not pay one by one."""
    checks = (
        _fail(9.5, Event.FLAGGED),
        _check(19.5),
        _check(29.5),
    )
    parked = _row(*checks, carried=PROVEN)
    assert (parked.minutes_paid, parked.minutes_waiting) == (0, 50)
    assert parked.reason is Reason.SUSPECTED
    cleared = _row(*checks, _check(39.5, event=Event.CLEARED), carried=PROVEN)
    assert (cleared.minutes_paid, cleared.minutes_voided) == (30, 10)


def test_confirmed_fraud_is_paid_nothing_more() -> None:
    """Not even for passes that come later."""
    row = _row(_check(9.5), _fail(19.5, Event.CONFIRMED), _check(29.5), carried=PROVEN)
    assert row.reason is Reason.FRAUD
    assert (row.minutes_paid, row.minutes_voided, row.minutes_waiting) == (10, 50, 0)
    later = _row(_check(29.5), carried={"n2": row.carried})
    assert later.minutes_paid == 0


def test_minutes_that_wait_for_a_node_that_left_lapse() -> None:
    """After a whole epoch off the roster there is nothing left to check."""
    row = _row(minutes=Minutes(), carried={"n2": Carried(1800.0, waiting=7)})
    assert (row.minutes_voided, row.minutes_waiting, row.reason) == (7, 0, Reason.LEFT)
    after = settle(_evidence(minutes={}, carried={"n2": row.carried}, epoch=2))
    assert after.rows == ()


def _two_nodes(**more: Any) -> Statement:
    checks = [_check(59), replace(_check(59), node_id="n5")]
    carried = {"n2": Carried(1800.0), "n5": Carried(1700.0)}
    minutes = {"n2": ALL_UP, "n5": ALL_UP}
    return settle(_evidence(*checks, carried=carried, minutes=minutes, **more))


def test_the_longest_verified_service_is_paid_first() -> None:
    """When a stream pays fewer nodes than serve it."""
    rows = _two_nodes(terms=replace(TERMS, max_paid_nodes=1)).rows
    assert [(r.node_id, r.minutes_paid, r.minutes_beyond) for r in rows] == [
        ("n2", 0, 60),
        ("n5", 60, 0),
    ]
    assert rows[0].reason is Reason.BEYOND_MAX_PAID_NODES


def test_a_short_balance_is_shared_to_the_last_micro() -> None:
    """And each row says what was not covered."""
    statement = _two_nodes(balance_micros=13)
    assert statement.paid_micros == 13
    assert statement.balance_after_micros == 0
    assert sorted(row.earned_micros for row in statement.rows) == [6, 7]
    for row in statement.rows:
        assert row.earned_micros + row.short_micros == 60 * MICROS_A_MINUTE
        assert row.reason is Reason.BALANCE_EXHAUSTED


def test_an_epoch_with_nothing_settles_to_nothing() -> None:
    """No node, no check, no sweep: a statement without rows."""
    statement = settle(_evidence(minutes={}))
    assert (statement.paid_micros, statement.rows) == (0, ())


def test_a_statement_survives_its_document() -> None:
    """Rows, reasons and what is carried."""
    statement = settle(_evidence(_check(9.5), _fail(29.5), _check(39.5)))
    assert Statement.from_fields(statement.to_fields()) == statement
