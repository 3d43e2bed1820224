"""Where every minute of an epoch goes, and what it earns."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.adapters.store.limits import check_document
from coordinator.adapters.store.protocol import Ref
from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.ledger.forfeits import EVERYTHING_S, Forfeit, forfeits_of
from coordinator.ledger.rows import Carried, Row, Voided
from coordinator.ledger.settlements import ABSENT_EPOCHS_MAX, EpochInput, settle
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes
from tests.builders import a_check

MINUTE = 60
TERMS = Terms(rate_micros_per_hour=7_200_000, max_paid_nodes=5, minute_seconds=MINUTE)
ALL_UP = Minutes(due=(1 << 60) - 1, up=(1 << 60) - 1)
MICROS_A_MINUTE = 120_000


def _check(
    minute: float, verdict: Verdict = Verdict.PASS, event: TrustChange | None = None
) -> Check:
    return a_check(3600 + minute * MINUTE, verdict, event=event)


def _fail(minute: float, event: TrustChange | None = None) -> Check:
    return _check(minute, Verdict.FAIL, event)


def _evidence(*checks: Check, **more: Any) -> EpochInput:
    return replace(
        EpochInput("s3", 1, 3600, 7200, TERMS, {"n2": ALL_UP}, checks),
        **more,
    )


def _row(*checks: Check, minutes: Minutes = ALL_UP, **more: Any) -> Row:
    (row,) = settle(_evidence(*checks, minutes={"n2": minutes}, **more), 10**9).rows
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


def test_a_failed_check_voids_back_to_the_one_before_and_on_to_the_next() -> None:
    """And says which check it was. Paid is what lies between two passed checks."""
    row = _row(_check(9.5), _fail(29.5), _check(39.5), _check(44.5), carried=PROVEN)
    assert (row.minutes_paid, row.minutes_voided, row.carried.waiting) == (15, 30, 15)
    assert dict(row.unpaid)[Reason.AFTER_FAILURE] == 10
    assert row.voided_by == (Voided(89, 3600 + 29.5 * MINUTE, 20, Reason.NO_STREAM),)
    assert row.reason is Reason.VOIDED


def test_nothing_waits_after_a_failed_check_that_was_the_last() -> None:
    """No later check can pay those minutes; the next pass begins anew, in a later epoch too."""
    row = _row(_check(9.5), _fail(29.5), carried=PROVEN)
    assert (row.minutes_waiting, row.carried.failed) == (0, True)
    assert dict(row.unpaid) == {Reason.VOIDED: 20, Reason.AFTER_FAILURE: 30}
    after = _row(_check(9.5), _check(19.5), carried={"n2": row.carried})
    assert (after.minutes_paid, after.minutes_unpaid(Reason.AFTER_FAILURE)) == (10, 10)
    assert not after.carried.failed


def test_a_degraded_check_voids_nothing_and_pays_nothing() -> None:
    """It passed, on the second connection: minutes go on waiting for one that passes the first."""
    degraded = _check(29.5, Verdict.DEGRADED)
    row = _row(degraded, carried=PROVEN)
    assert (row.minutes_paid, row.minutes_voided, row.minutes_waiting) == (0, 0, 60)
    assert _row(degraded, _check(59), carried=PROVEN).minutes_paid == 60
    assert _row(degraded).carried.first_pass_s is None


def test_a_retest_that_passes_ends_no_failure() -> None:
    """Its node saw it coming. Pay begins again with the next check that was drawn."""
    failed = _fail(9.5)
    retest = replace(_check(12.5), caused_by_s=failed.due_s)
    row = _row(failed, retest, carried=PROVEN)
    assert (row.carried.failed, row.minutes_paid) == (True, 0)
    row = _row(failed, retest, _check(29.5), _check(39.5), carried=PROVEN)
    assert (row.carried.failed, row.minutes_paid) == (False, 10)


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


def test_minutes_of_a_flagged_node_are_parked_and_paid_when_it_is_cleared() -> None:
    """Passing retests do not pay one by one."""
    checks = (
        _fail(9.5, TrustChange.FLAGGED),
        _check(19.5),
        _check(29.5),
    )
    parked = _row(*checks, carried=PROVEN)
    assert (parked.minutes_paid, parked.minutes_waiting, parked.carried.parked) == (0, 40, 10)
    assert dict(parked.unpaid) == {
        Reason.SUSPECTED: 40,
        Reason.VOIDED: 10,
        Reason.AFTER_FAILURE: 10,
    }
    assert parked.reason is Reason.SUSPECTED
    cleared = _row(*checks, _check(39.5, event=TrustChange.CLEARED), carried=PROVEN)
    assert (cleared.minutes_paid, cleared.minutes_voided) == (20, 20)


def test_a_flag_is_cleared_by_retests_wherever_the_node_relays() -> None:
    """Flagged here, cleared while it relayed another stream: nothing is parked for ever."""
    cleared = replace(_check(9.5, event=TrustChange.CLEARED), stream_id="s7")
    before = Carried(1800.0, flagged=True, parked=7)
    row = _row(_check(29.5), elsewhere=[cleared], carried={"n2": before})
    assert (row.minutes_paid, row.carried.flagged, row.carried.parked) == (37, False, 0)
    assert row.minutes_unpaid(Reason.SUSPECTED) == 0


def test_a_flag_raised_elsewhere_parks_pay_here() -> None:
    """One node, one trust: another stream is no way around it."""
    flagged = replace(_fail(9.5, TrustChange.FLAGGED), stream_id="s7")
    checks = _check(4.5), _check(14.5), _check(29.5)
    row = _row(*checks, elsewhere=[flagged], carried=PROVEN)
    assert (row.minutes_paid, row.carried.parked, row.carried.flagged) == (5, 15, True)
    assert row.minutes_unpaid(Reason.AFTER_FAILURE) == 10
    suspended = replace(_fail(39.5, TrustChange.SUSPENDED), stream_id="s7")
    row = _row(*checks, elsewhere=[suspended, flagged], carried=PROVEN)
    assert (row.minutes_paid, row.minutes_unpaid(Reason.SUSPENDED)) == (5, 15)
    assert row.voided_by[-1] == Voided(99, 3600 + 39.5 * MINUTE, 15, Reason.SUSPENDED)


def test_a_failure_elsewhere_voids_what_was_earned_here_since_its_like_passed() -> None:
    """Else moving between streams would leave each with a failure of its own to wait for."""
    wrong = replace(_fail(29.5), stream_id="s7", voids_from_s=3600 + 9 * MINUTE)
    row = _row(_check(9.5), _check(19.5), elsewhere=[wrong], carried=PROVEN)
    assert (row.minutes_paid, row.paid_bits) == (10, (1 << 10) - 1)
    assert dict(row.unpaid) == {Reason.VOIDED: 20, Reason.AFTER_FAILURE: 30}
    assert row.voided_by == (Voided(89, 3600 + 29.5 * MINUTE, 20, Reason.NO_STREAM),)


def test_a_pass_elsewhere_makes_a_failure_good_and_pays_nothing_here() -> None:
    """Pay begins again with it, there; what waited here is between the two."""
    elsewhere = replace(_check(29.5), stream_id="s7")
    row = _row(_check(9.5), _fail(19.5), _check(39.5), elsewhere=[elsewhere], carried=PROVEN)
    assert (row.minutes_paid, row.carried.waiting) == (20, 20)
    assert dict(row.unpaid) == {
        Reason.VOIDED: 10, Reason.AFTER_FAILURE: 10, Reason.AWAITING_CHECK: 20
    }  # fmt: skip


def test_who_is_only_elsewhere_has_no_row() -> None:
    """Whatever became of its trust there."""
    flagged = replace(_fail(9.5, TrustChange.FLAGGED), node_id="n3", stream_id="s7")
    assert [row.node_id for row in settle(_evidence(elsewhere=[flagged]), 0).rows] == ["n2"]


def test_a_failed_retest_voids_back_to_the_passed_one_before() -> None:
    """Minutes that a retest has passed for stay parked."""
    checks = _fail(9.5, TrustChange.FLAGGED), _check(14.5), _check(19.5), _fail(29.5)
    row = _row(*checks, carried=PROVEN)
    assert (row.carried.parked, row.minutes_unpaid(Reason.VOIDED)) == (5, 20)


def test_suspension_voids_what_is_parked_and_keeps_parking() -> None:
    """What was earned before is not touched; what comes after waits for the flag to be cleared."""
    checks = (
        _fail(9.5, TrustChange.FLAGGED),
        _check(14.5),
        _check(19.5),
        _fail(29.5, TrustChange.SUSPENDED),
        _check(39.5, event=TrustChange.FLAGGED),
        _check(44.5),
    )
    row = _row(*checks, carried=PROVEN)
    assert (row.minutes_paid, row.carried.parked, row.carried.flagged) == (0, 5, True)
    assert dict(row.unpaid) == {
        Reason.VOIDED: 20,
        Reason.AFTER_FAILURE: 15,
        Reason.SUSPENDED: 5,
        Reason.SUSPECTED: 20,
    }
    assert row.minutes_voided == 40
    assert sum(voided.minutes for voided in row.voided_by) == 25
    assert row.forfeited_micros == 0
    cleared = _row(*checks, _check(59.5, event=TrustChange.CLEARED), carried=PROVEN)
    assert (cleared.minutes_paid, cleared.carried.flagged) == (20, False)


def test_parked_minutes_are_carried_and_decided_later() -> None:
    """Paid in the statement of the epoch in which the flag is cleared; returned on fraud."""
    before = {"n2": Carried(1800.0, waiting=3, flagged=True, parked=7)}
    cleared = _row(_check(4.5, event=TrustChange.CLEARED), carried=before)
    assert (cleared.minutes_waiting_before, cleared.minutes_paid) == (10, 15)
    confirmed = _row(_fail(4.5, TrustChange.CONFIRMED), carried=before)
    assert (confirmed.minutes_paid, confirmed.minutes_voided) == (0, 70)
    assert dict(confirmed.unpaid) == {Reason.VOIDED: 8, Reason.FRAUD: 62}


def test_confirmed_fraud_is_paid_nothing_of_its_epoch() -> None:
    """Not for passes before, which would be pending, and not for passes that come later."""
    row = _row(_check(9.5), _fail(19.5, TrustChange.CONFIRMED), _check(29.5), carried=PROVEN)
    assert row.reason is Reason.FRAUD
    assert (row.minutes_paid, row.minutes_voided, row.minutes_waiting) == (0, 60, 0)
    later = _row(_check(29.5), carried={"n2": row.carried})
    assert (later.minutes_paid, later.reason) == (0, Reason.FRAUD)


def test_a_fraud_confirmed_by_checks_of_another_stream_is_paid_nothing_here() -> None:
    """And what this stream's earlier statements paid it comes back, as far as it is pending."""
    statement = settle(
        _evidence(
            _check(9.5), carried=PROVEN, frauds=frozenset({"n2"}), forfeits={"n2": Forfeit(17)}
        ),
        100,
    )
    assert (statement.rows[0].minutes_paid, statement.rows[0].forfeited_micros) == (0, 17)
    assert (statement.paid_micros, statement.balance_after_micros) == (0, 117)


def test_minutes_that_wait_for_a_node_that_left_lapse() -> None:
    """After a whole epoch off the roster there is nothing left to check."""
    row = _row(minutes=Minutes(), carried={"n2": Carried(1800.0, waiting=7)})
    assert (row.minutes_voided, row.minutes_waiting, row.reason) == (7, 0, Reason.LAPSED)


def test_a_node_that_comes_back_keeps_its_place() -> None:
    """A day off the roster is forgiven: its first pass is remembered so long, and its flag. Its
    turn at its address is lost with the sixth minute."""
    row = _row(minutes=Minutes(), carried={"n2": Carried(1800.0, flagged=True)})
    assert row.carried == Carried(
        1800.0, flagged=True, absent=1, kept_since_s=3900.0, lost_turn=True
    )
    assert row.minutes_due == 0
    gone = {"n2": Carried(1800.0, absent=ABSENT_EPOCHS_MAX)}
    assert settle(_evidence(minutes={}, carried=gone), 100).rows == ()


def test_leaving_a_stream_that_nobody_is_verified_on_costs_no_place() -> None:
    """It is the sponsor's doing: the epochs away are not counted meanwhile."""
    carried = {"n2": Carried(1800.0, absent=ABSENT_EPOCHS_MAX - 1)}
    for unverified, absent in ((True, ABSENT_EPOCHS_MAX - 1), (False, ABSENT_EPOCHS_MAX)):
        given = replace(_evidence(minutes={}, carried=carried), unverified=unverified)
        (row,) = settle(given, 100).rows
        assert row.carried.lost_turn is not unverified
        assert (row.carried.first_pass_s, row.carried.absent) == (1800.0, absent)


def test_minutes_due_and_not_up_say_why() -> None:
    """Each outcome of a sweep has its own reason."""
    minutes = Minutes(
        due=0xFF, up=0x01, idle=0x02, down=0x0C, invalid=0x10, stalled=0x20, blocked=0xC0
    )
    row = _row(_check(59), minutes=minutes, carried=PROVEN)
    assert row.minutes_paid == 1
    assert dict(row.unpaid) == {
        Reason.BLOCKED: 2,
        Reason.INVALID: 1,
        Reason.STALLED: 1,
        Reason.DOWN: 2,
        Reason.STREAM_IDLE: 1,
    }
    unmeasured = _row(_check(59), minutes=Minutes(due=0b111, unknown=0b111), carried=PROVEN)
    assert dict(unmeasured.unpaid) == {Reason.UNKNOWN_UNMEASURED: 3}


def test_waiting_while_the_ingest_was_interrupted_says_why_and_moves_no_token() -> None:
    """Idle by the sponsor's doing pays what waited before, where the rest lapses. This does not:
    a node chooses itself whether it waits."""
    bits, early = (1 << 60) - 1, (1 << 50) - 1
    late = bits & ~early
    told = {
        name: _row(minutes=Minutes(bits, early, **fields), carried=PROVEN, closes=True)
        for name, fields in {
            "down": {"down": late},
            "interrupted": {"idle": late, "interrupted": late},
            "idle": {"idle": late},
        }.items()
    }
    assert {name: row.minutes_paid for name, row in told.items()} == {
        "down": 0,
        "interrupted": 0,
        "idle": 35,
    }
    assert dict(told["interrupted"].unpaid)[Reason.STREAM_IDLE] == 10


def test_a_stream_that_ends_settles_everything() -> None:
    """What waits lapses, since no check can follow, and the rest goes back to the sponsor."""
    evidence = _evidence(_check(9.5), carried=PROVEN, closes=True)
    statement = settle(evidence, 10**9)
    assert statement.rows[0].minutes_waiting == 0
    assert dict(statement.rows[0].unpaid) == {Reason.LAPSED: 50}
    assert statement.refunded_micros == 10**9 - 10 * MICROS_A_MINUTE
    assert statement.balance_after_micros == 0


def _two_nodes(balance: int = 10**9, **more: Any) -> Statement:
    checks = [_check(59), replace(_check(59), node_id="n5")]
    carried = {"n2": Carried(1800.0), "n5": Carried(1700.0)}
    minutes = {"n2": ALL_UP, "n5": ALL_UP}
    return settle(_evidence(*checks, carried=carried, minutes=minutes, **more), balance)


def test_the_longest_verified_service_is_paid_first() -> None:
    """When a stream pays fewer nodes than serve it."""
    rows = _two_nodes(terms=replace(TERMS, max_paid_nodes=1)).rows
    assert [(r.node_id, r.minutes_paid, r.minutes_beyond) for r in rows] == [
        ("n2", 0, 60),
        ("n5", 60, 0),
    ]
    assert rows[0].reason is Reason.BEYOND_MAX_PAID_NODES


def test_a_waiting_node_holds_its_place() -> None:
    """Else one place were paid twice: to the second now, to the first with its next check."""
    checks = [replace(_check(59), node_id="n5")]
    carried = {"n2": Carried(1700.0), "n5": Carried(1800.0)}
    minutes = {"n2": ALL_UP, "n5": ALL_UP}
    terms = replace(TERMS, max_paid_nodes=1)
    rows = settle(_evidence(*checks, carried=carried, minutes=minutes, terms=terms), 10**9).rows
    assert [(r.node_id, r.minutes_waiting, r.minutes_beyond) for r in rows] == [
        ("n2", 60, 0),
        ("n5", 0, 60),
    ]


def test_an_address_is_remembered_while_its_node_waits() -> None:
    """It is where the last passed check reached it, in whatever epoch that was."""
    at = ({"address": "203.0.114.7"},)
    first = _row(replace(_check(9.5), attempts=at), carried=PROVEN)
    assert first.carried.address == "203.0.114.7"
    twin = replace(_check(59), node_id="n5", attempts=at)
    carried = {"n2": first.carried, "n5": Carried(3700.0)}
    minutes = {"n2": ALL_UP, "n5": ALL_UP}
    rows = settle(_evidence(twin, carried=carried, minutes=minutes), 10**9).rows
    assert dict(rows[1].unpaid) == {Reason.SAME_ADDRESS: 60}


def test_a_short_balance_is_shared_to_the_last_micro() -> None:
    """And each row says what was not covered."""
    statement = _two_nodes(balance=13)
    assert statement.paid_micros == 13
    assert statement.balance_after_micros == 0
    assert sorted(row.earned_micros for row in statement.rows) == [6, 7]
    for row in statement.rows:
        assert row.earned_micros + row.short_micros == 60 * MICROS_A_MINUTE
        assert row.reason is Reason.BALANCE_EXHAUSTED
        assert (row.minutes_paid, row.unpaid) == (0, ((Reason.BALANCE_EXHAUSTED, 60),))


def test_a_balance_that_covers_some_minutes_pays_those() -> None:
    """Half of what is due: half of the minutes are paid, the rest say what was missing."""
    statement = _two_nodes(balance=60 * MICROS_A_MINUTE)
    for row in statement.rows:
        assert (row.minutes_paid, row.earned_micros) == (30, 30 * MICROS_A_MINUTE)
        assert dict(row.unpaid)[Reason.BALANCE_EXHAUSTED] == 30


def test_an_epoch_with_nothing_settles_to_nothing() -> None:
    """No node, no check, no sweep: a statement without rows."""
    statement = settle(_evidence(minutes={}), 100)
    assert (statement.paid_micros, statement.rows) == (0, ())


def test_ten_thousand_nodes_share_one_micro_token() -> None:
    """One of them gets it, another in each epoch; the statement takes several documents."""
    nodes = [f"n{n}" for n in range(10_000)]
    checks = [replace(_check(59), node_id=node_id) for node_id in nodes]
    evidence = _evidence(
        *checks,
        carried=dict.fromkeys(nodes, PROVEN["n2"]),
        minutes=dict.fromkeys(nodes, ALL_UP),
        terms=replace(TERMS, max_paid_nodes=10_000),
    )
    statement = settle(evidence, 1)
    winners = [row.node_id for row in statement.rows if row.earned_micros]
    assert len(winners) == statement.paid_micros == 1
    later = settle(replace(evidence, epoch=2), 1)
    assert [row.node_id for row in later.rows if row.earned_micros] != winners
    documents = statement.to_documents()
    assert len(documents) == 5
    for number, fields in enumerate(documents):
        check_document(Ref("statements", f"x.{number}"), fields)
    assert Statement.from_documents(documents) == statement
    (mine,) = (row for row in statement.rows if row.node_id == "n7")
    assert Statement.from_documents(documents, {"n7"}) == replace(statement, rows=(mine,))


def test_ties_favour_nobody_over_time() -> None:
    """Seven equal nodes, three micro-tokens too few to share evenly, a thousand epochs."""
    nodes = [f"n{n}" for n in range(7)]
    evidence = _evidence(
        *(replace(_check(59), node_id=node_id) for node_id in nodes),
        carried=dict.fromkeys(nodes, PROVEN["n2"]),
        minutes=dict.fromkeys(nodes, ALL_UP),
        terms=replace(TERMS, max_paid_nodes=7),
    )
    won = dict.fromkeys(nodes, 0)
    for epoch in range(1000):
        for row in settle(replace(evidence, epoch=epoch), 3).rows:
            won[row.node_id] += row.earned_micros
    assert sum(won.values()) == 3000
    assert all(380 < micros < 480 for micros in won.values())  # 429, give or take 3.3 deviations


ALL = {"n2": EVERYTHING_S}


def test_what_is_pending_is_what_recent_statements_paid() -> None:
    """Of the nodes asked for, as far as it is still held."""
    two = _two_nodes()
    lost = {"n2": Forfeit(60 * MICROS_A_MINUTE, 60)}
    assert forfeits_of(ALL | {"n7": EVERYTHING_S}, [two], epoch=25) == lost
    assert forfeits_of(ALL, [two], epoch=26) == {}
    assert forfeits_of({}, [two], epoch=2) == {}


def test_what_was_forfeited_is_not_pending_any_more() -> None:
    """Who is forgotten, comes again and is confirmed again loses what was earned since.

    Else the sponsor would get the same tokens back twice, made out of nothing."""
    earned, lost, again = (replace(_two_nodes(), epoch=epoch) for epoch in (1, 2, 3))
    nothing: dict[str, Any] = {"earned_micros": 0, "forfeited_micros": 60 * MICROS_A_MINUTE}
    lost = replace(lost, rows=tuple(replace(row, **nothing) for row in lost.rows))
    assert forfeits_of(ALL, [earned, lost], epoch=3) == {}
    in_any_order = [again, lost, earned]
    assert forfeits_of(ALL, in_any_order, epoch=4) == {"n2": Forfeit(60 * MICROS_A_MINUTE, 60)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_micros_per_hour": 0},
        {"rate_micros_per_hour": -7},
        {"max_paid_nodes": 0},
        {"minute_seconds": 0},
        {"holding_epochs": -1},
        {"network_percent": 101},
        {"network_nodes_free": 0},
    ],
)
def test_terms_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    """Zero and negative rates above all."""
    with pytest.raises(ValueError, match=r"at least one|not negative"):
        replace(TERMS, **wrong)


def test_a_statement_survives_its_document() -> None:
    """Rows, reasons and what is carried."""
    statement = settle(_evidence(_check(9.5), _fail(29.5), _check(39.5)), 10**9)
    assert Statement.from_documents(statement.to_documents()) == statement
