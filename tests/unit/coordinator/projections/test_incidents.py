"""What becomes an incident of the network, and what does not."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from coordinator.checking.checks import Check, IngestState, Run, TrustChange, Verdict
from coordinator.epochs import Calendar
from coordinator.ledger.epoch_records import EpochRecord
from coordinator.ledger.rows import Row
from coordinator.ledger.settlements import EpochInput, settle
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.projections.incidents import NODES_AN_EPOCH_MAX, Incident, incidents_of
from coordinator.projections.node_buckets import BucketEpoch, NodeLine
from coordinator.reasons import Reason
from coordinator.streams import Stream
from tests.builders import a_check, a_stream

CALENDAR = Calendar()
EPOCH, START_S, FIRST = 11, 11 * 3600, 11 * 60
STREAM = a_stream()


def _runs(checks: Sequence[Check] = (), missing: Sequence[int] = ()) -> list[Run]:
    by_draw = {draw: [c for c in checks if c.draw == draw] for draw in range(FIRST, FIRST + 60)}
    return [
        Run(draw, draw * 60.0, draw * 60.0 + 50, (), {"s3": IngestState.LIVE}, tuple(mine))
        for draw, mine in by_draw.items()
        if draw - FIRST not in missing
    ]


def _check(
    minute: int, reason: Reason, event: TrustChange | None = None, node_id: str = "n2"
) -> Check:
    verdict = Verdict.UNKNOWN if reason.is_ours else Verdict.FAIL
    return a_check(START_S + minute * 60 + 7.0, verdict, reason, event=event, node_id=node_id)


def _found(
    runs: Sequence[Run],
    letters: Sequence[str] = ("u" * 60,),
    settled: Sequence[tuple[Stream, Statement]] = (),
) -> list[Incident]:
    record = EpochRecord.of(EPOCH, CALENDAR, CALENDAR.evidence_until_s(EPOCH), [], runs)
    row = Row("n2", 60, 60, 0, 0, 0, 60, (), 7, 0, 0, Reason.OK, ())
    lines = {f"n{at}": {"s3": NodeLine("s3", 7, 2, one, row)} for at, one in enumerate(letters)}
    return incidents_of(record, [BucketEpoch(EPOCH, START_S, START_S + 3600, 60, lines)], settled)


def test_a_quiet_hour_has_no_incident() -> None:
    """All swept, all checked; and a network without nodes needs neither."""
    assert _found(_runs()) == []
    assert _found([], letters=()) == []
    assert _found([], letters=["-" * 60]) == []


def test_minutes_that_nobody_measured_are_one_incident() -> None:
    """Even if one of them was; two outages are two."""
    line = "u" * 10 + "??u??" + "u" * 20 + "?" + "u" * 24
    found = _found(_runs(), letters=[line] * 3)
    assert [each.key for each in found] == [
        f"not-measured/{START_S + 600}",
        f"not-measured/{START_S + 35 * 60}",
    ]
    assert found[0].says.startswith("4 minutes of up to 3 nodes.")


def test_one_node_that_could_not_be_measured_is_none() -> None:
    """Where it is one of many; and what was not due counts as nothing."""
    lines = ["?" * 60, *["u" * 60] * 10, *["-" * 60] * 50]
    assert _found(_runs(), letters=lines) == []
    assert len(_found(_runs(), letters=lines[:6])) == 1


def test_draws_that_nobody_ran_are_one_incident() -> None:
    """While a node was up, for else nothing was to be checked."""
    missing = [7, 8, 9]
    (found,) = _found(_runs(missing=missing))
    assert (found.key, found.says[:7]) == (f"not-checked/{START_S + 420}", "3 draws")
    assert _found(_runs(missing=missing), letters=["i" * 60]) == []


def test_checks_that_say_nothing_are_told_by_reason() -> None:
    """Except what a node can cause by its own name server."""
    checks = [
        _check(3, Reason.UNKNOWN_CONTROL),
        _check(4, Reason.UNKNOWN_CONTROL, node_id="n5"),
        _check(30, Reason.UNKNOWN_LATE),
        _check(40, Reason.UNKNOWN_ADDRESS),
        _check(50, Reason.NO_STREAM),
    ]
    found = _found(_runs(checks))
    assert [each.key for each in found] == [
        f"unknown-control/{START_S + 180}",
        f"unknown-late/{START_S + 1800}",
    ]
    assert Reason.UNKNOWN_CONTROL.says in found[0].says


@pytest.mark.parametrize(
    "event",
    [TrustChange.CONFIRMED, TrustChange.SUSPENDED, TrustChange.FLAGGED, TrustChange.CLEARED],
)
def test_what_checks_proved_of_nodes_is_told(event: TrustChange) -> None:
    """A flag alone is not: it decides nothing yet."""
    found = _found(_runs([_check(7, Reason.NO_STREAM, event)]))
    told = {TrustChange.CONFIRMED: "fraud/n2/", TrustChange.SUSPENDED: "suspended/n2/"}.get(event)
    assert [each.key for each in found] == ([f"{told}{START_S + 427}"] if told else [])


def test_a_mass_of_frauds_does_not_drown_the_rest() -> None:
    """They are in their own feeds."""
    checks = [
        _check(minute, Reason.REPLAYED, TrustChange.CONFIRMED, f"n{minute}") for minute in range(60)
    ]
    assert len(_found(_runs(checks))) == NODES_AN_EPOCH_MAX


def test_streams_end_and_run_dry_once() -> None:
    """In the epoch in which it happens."""
    terms = Terms(7_000_000, 5, 60)
    evidence = EpochInput("s3", EPOCH, START_S, START_S + 3600, terms, {}, ())
    assert _found(_runs(), settled=[(STREAM, settle(evidence, 7))]) == []
    spent = settle(evidence, 0)
    assert _found(_runs(), settled=[(STREAM, spent)]) == []
    ended = STREAM.model_copy(update={"ends_s": START_S + 77.0})
    (found,) = _found(_runs(), settled=[(ended, settle(evidence, 7))])
    assert (found.key, found.at_s, found.path) == ("ended/s3", START_S + 77.0, "/s/s3")
    earlier = STREAM.model_copy(update={"ends_s": START_S - 77.0})
    assert _found(_runs(), settled=[(earlier, spent)]) == []


def test_a_balance_that_is_used_up_is_told() -> None:
    """With the epoch that took the last of it."""
    terms = Terms(7_000_000, 5, 60)
    evidence = EpochInput("s3", EPOCH, START_S, START_S + 3600, terms, {}, ())
    statement = replace(settle(evidence, 7), balance_after_micros=0, paid_micros=7)
    (found,) = _found(_runs(), settled=[(STREAM, statement)])
    assert (found.key, found.title) == (f"used-up/s3/{EPOCH}", "Main stage: the balance is used up")
