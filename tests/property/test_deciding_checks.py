"""What a node could see coming decides none of its minutes: retests, and second connections.

The real rules settle a life twice: with all of its checks, and without those that its node saw
coming and passed. Every minute goes to the same place.
"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from coordinator.checking.checks import Check, Verdict
from coordinator.ledger.newcomers import Newcomer
from coordinator.ledger.rows import Row
from coordinator.ledger.settlements import EpochInput, settle
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes

EPOCHS, MINUTES = 4, 12
EPOCH_S = MINUTES * 60
TERMS = Terms(60 * 7, 5, 60)
REASONS = {
    Verdict.PASS: Reason.PASSED,
    Verdict.DEGRADED: Reason.DEGRADED,
    Verdict.FAIL: Reason.NO_STREAM,
    Verdict.UNKNOWN: Reason.UNKNOWN_LATE,
}
MADE = st.lists(
    st.none() | st.tuples(st.sampled_from(Verdict), st.booleans(), st.sampled_from(["s3", "s5"])),
    min_size=EPOCHS * MINUTES,
    max_size=EPOCHS * MINUTES,
)


def _checks(made: list[tuple[Verdict, bool, str] | None]) -> list[Check]:
    """One at most in each minute; some are retests, some are of another stream."""
    return [
        Check(
            "n2", stream_id, minute, minute * 60 + 30.5, verdict, REASONS[verdict],
            caused_by_s=minute * 60 - 90.5 if is_retest else None,
            attempts=({"address": "192.0.2.5"},),
        )
        for minute, each in enumerate(made, 7 * MINUTES)
        if each is not None
        for verdict, is_retest, stream_id in [each]
    ]  # fmt: skip


def _life(checks: list[Check], up: int) -> list[Row]:
    """The node's rows; without its address, which any connection may tell, and without its turn
    there, which pays nothing by itself."""
    rows: list[Row] = []
    for epoch in range(7, 7 + EPOCHS):
        starts_s = epoch * EPOCH_S
        mine = [c for c in checks if starts_s <= c.due_s < starts_s + EPOCH_S]
        given_ = EpochInput(
            "s3", epoch, starts_s, starts_s + EPOCH_S, TERMS,
            {"n2": Minutes((1 << MINUTES) - 1, up >> (epoch - 7) * MINUTES & (1 << MINUTES) - 1)},
            [c for c in mine if c.stream_id == "s3"],
            {"n2": rows[-1].carried} if rows else {},
            newcomers={"n2": Newcomer(7 * EPOCH_S + 300.0, 60, (7 * EPOCH_S,))},
            elsewhere=[c for c in mine if c.stream_id != "s3"],
        )  # fmt: skip
        (row,) = settle(given_, 10**9).rows
        state = replace(row.carried, address=None, kept_since_s=None, lost_turn=False)
        rows.append(replace(row, carried=state))
    return rows


@given(MADE, st.integers(0, (1 << EPOCHS * MINUTES) - 1))
def test_what_a_node_saw_coming_decides_no_minute(
    made: list[tuple[Verdict, bool, str] | None], up: int
) -> None:
    """Neither pays it, nor begins pay, nor ends a failure; on whatever stream it was."""
    checks = _checks(made)
    drawn = [c for c in checks if c.verdict is Verdict.FAIL or c.may_pay]
    assert all(c.caused_by_s is None for c in drawn if c.verdict is not Verdict.FAIL)
    assert _life(checks, up) == _life(drawn, up)


@given(MADE)
def test_who_passes_only_retests_and_second_connections_is_never_paid(
    made: list[tuple[Verdict, bool, str] | None],
) -> None:
    """Refusing whoever has not just come brings nothing."""
    checks = [
        replace(c, verdict=Verdict.DEGRADED) if c.may_pay else c
        for c in _checks(made)
        if c.verdict is not Verdict.FAIL
    ]
    rows = _life(checks, (1 << EPOCHS * MINUTES) - 1)
    assert sum(row.minutes_paid for row in rows) == 0
