"""Laws of sponsors: none gains by being an operator too, by having two streams, or by terms.

Tokens and minutes of two streams over some epochs, settled by the real rules. One sponsor and some
of the nodes are the same person.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from coordinator.checking.checks import Check, Verdict
from coordinator.ledger.halts import LAPSE_SECONDS_MAX
from coordinator.ledger.rows import Carried
from coordinator.ledger.settlements import EpochInput, settle
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes

EPOCH_S, MINUTES, EPOCHS = 720, 12, 3
ALL = (1 << MINUTES) - 1
OURS, OTHERS = ("n2", "n3"), ("n5", "n7")
ADDRESSES = {"n2": "203.0.113.2", "n3": "198.51.100.3", "n5": "192.0.2.5", "n7": "203.0.114.7"}
everybody = st.sampled_from([*OURS, *OTHERS])


@dataclass(frozen=True)
class Past:
    """What was measured: minutes up, and checks, by epoch and node."""

    up: dict[tuple[int, str], int]
    checks: dict[tuple[int, str], list[tuple[int, Verdict]]]


verdicts = st.sampled_from([Verdict.PASS, Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN])
pasts = st.builds(
    Past,
    st.dictionaries(
        st.tuples(st.integers(0, EPOCHS - 1), everybody), st.integers(0, (1 << MINUTES) - 1)
    ),
    st.dictionaries(
        st.tuples(st.integers(0, EPOCHS - 1), everybody),
        st.lists(st.tuples(st.integers(0, MINUTES - 1), verdicts), max_size=4),
    ),
)
terms = st.builds(Terms, st.integers(1, 10**7), st.integers(1, 4), st.just(60))


def _check(stream_id: str, node_id: str, due_s: int, verdict: Verdict) -> Check:
    reason = {Verdict.PASS: Reason.PASSED, Verdict.FAIL: Reason.NO_STREAM}
    return Check(
        node_id=node_id,
        stream_id=stream_id,
        draw=due_s // 60,
        due_s=float(due_s),
        verdict=verdict,
        reason=reason.get(verdict, Reason.UNKNOWN_CAPACITY),
        attempts=({"address": ADDRESSES[node_id]},),
    )


def lived(
    stream_id: str, past: Past, pays: Terms, deposit: int, ends_with: int = EPOCHS - 1
) -> list[Statement]:
    """A stream's statements; it ends with an epoch."""
    found: list[Statement] = []
    balance: int = deposit
    carried: Mapping[str, Carried] = {}
    for epoch in range(EPOCHS):
        start_s = epoch * EPOCH_S
        is_open = epoch <= ends_with
        due = {n: b for (e, n), b in past.up.items() if e == epoch and is_open}
        checks = [
            _check(stream_id, node_id, start_s + 60 * minute + 7, verdict)
            for (e, node_id), each in past.checks.items()
            if e == epoch and is_open
            for minute, verdict in each
        ]
        given_now = EpochInput(
            stream_id=stream_id,
            epoch=epoch,
            starts_s=start_s,
            ends_s=start_s + EPOCH_S,
            terms=pays,
            minutes={n: Minutes(due=ALL, up=bits, idle=ALL & ~bits) for n, bits in due.items()},
            checks=checks,
            carried=carried,
            closes=epoch >= ends_with,
        )
        found.append(settle(given_now, balance))
        balance, carried = found[-1].balance_after_micros, found[-1].carried()
    return found


def _earned(statements: list[Statement], *node_ids: str) -> int:
    return sum(
        row.earned_micros - row.forfeited_micros
        for statement in statements
        for row in statement.rows
        if row.node_id in node_ids
    )


def _left(statements: list[Statement]) -> int:
    return statements[-1].balance_after_micros + sum(s.refunded_micros for s in statements)


@given(pasts, terms, st.integers(0, 10**8), st.integers(0, EPOCHS - 1))
def test_a_sponsor_who_is_an_operator_gains_nothing(
    past: Past, pays: Terms, deposit: int, ends_with: int
) -> None:
    """What comes back, and what its own nodes earn, is what went in, less what others earned."""
    found = lived("s2", past, pays, deposit, ends_with)
    assert _left(found) + _earned(found, *OURS) == deposit - _earned(found, *OTHERS)
    assert _left(found) + _earned(found, *OURS) <= deposit


@given(pasts, terms, terms, st.integers(0, 10**8), st.integers(0, EPOCHS - 1))
def test_neither_do_two_sponsors(
    past: Past, ours: Terms, theirs: Terms, deposit: int, ends_with: int
) -> None:
    """Of another's stream nodes get what its own terms give for verified minutes, and no more."""
    mine = lived("s2", past, ours, deposit, ends_with)
    yours = lived("s3", past, theirs, 10**9)
    won = _left(mine) + _earned(mine, *OURS) - deposit + _earned(yours, *OURS)
    rows = [row for statement in yours for row in statement.rows if row.node_id in OURS]
    assert won <= sum(theirs.owed_micros(row.minutes_paid) for row in rows)
    assert _left(yours) + _earned(yours, *OURS, *OTHERS) == 10**9


always_up = {(epoch, name): ALL for epoch in range(EPOCHS) for name in ADDRESSES}
first_checks = st.fixed_dictionaries(
    {
        (0, name): st.lists(st.tuples(st.integers(0, 4), verdicts), min_size=1, max_size=3)
        for name in ADDRESSES
    }
)
"""Whoever passes there, and no more: much waits."""


@given(
    pasts | st.builds(Past, st.just(always_up), first_checks),
    st.integers(1, 4),
    st.integers(1, EPOCHS * MINUTES - 1),
)
def test_a_pause_for_good_is_no_better_for_a_sponsor_than_a_stream_that_goes_on(
    past: Past, places: int, pauses_at: int
) -> None:
    """Had everybody passed once more at that minute, a node would have a check interval more.

    That is what any other last epoch leaves unpaid, on average: no moment is worth a wait."""
    pays = Terms(60_000_000, places, 60)
    before = {at: bits & _below(pauses_at, at[0]) for at, bits in past.up.items()}
    epoch, minute = divmod(pauses_at - 1, MINUTES)
    checks = {
        at: [one for one in each if at[0] * MINUTES + one[0] < pauses_at]
        for at, each in past.checks.items()
    }
    paused = Past(before, checks)
    passed = {
        (epoch, name): [*checks.get((epoch, name), []), (minute, Verdict.PASS)]
        for name in ADDRESSES
    }
    on = _minutes_paid(lived("s2", Past(before, checks | passed), pays, 10**12))
    off = _minutes_paid(lived("s2", paused, pays, 10**12))
    for name in ADDRESSES:
        assert off[name] >= on[name] - LAPSE_SECONDS_MAX // 60


def _below(minute: int, epoch: int) -> int:
    """The minutes of an epoch before one, as a bitmap."""
    return (1 << max(0, min(MINUTES, minute - epoch * MINUTES))) - 1


def _minutes_paid(statements: list[Statement]) -> Counter[str]:
    paid: Counter[str] = Counter()
    for row in (row for statement in statements for row in statement.rows):
        paid[row.node_id] += row.minutes_paid
    return paid


@given(pasts, terms, st.integers(0, 10**6))
def test_the_last_epoch_is_no_cheaper_than_it_would_be_if_others_followed(
    past: Past, pays: Terms, deposit: int
) -> None:
    """Until then every statement is the same. Minutes that lapse may free a place for others."""
    ended, on = lived("s2", past, pays, deposit, 1), lived("s2", past, pays, deposit, 2)
    assert ended[0] == on[0]
    assert ended[1].paid_micros >= on[1].paid_micros
