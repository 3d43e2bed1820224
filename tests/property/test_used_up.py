"""Nodes that leave when they are told that a stream is used up are paid for all that was verified.

And what is left then calls nobody back: it is for minutes that wait. Who comes later takes nothing
from them.
"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from coordinator.epochs import Calendar
from coordinator.ledger.balances import Balance, lasts_seconds
from coordinator.ledger.entries import EntryKind
from coordinator.ledger.rows import Carried
from coordinator.ledger.settlements import EpochInput, settle
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.streams import StreamStatus, stream_status
from coordinator.sweeping.minutes import Minutes
from tests.builders import a_check, a_stream

MINUTE_MICROS = 100_000
TERMS = Terms(60 * MINUTE_MICROS, 1_000, 60)
CALENDAR = Calendar()
HOUR_S = CALENDAR.epoch_seconds
STREAM = a_stream().model_copy(
    update={"reward_micros_per_hour": TERMS.rate_micros_per_hour, "max_paid_nodes": 1_000}
)
Hour = list[list[int]]
"""In which minutes each of the nodes passed a check."""
HOURS = st.lists(st.lists(st.integers(0, 59), min_size=1, max_size=5), min_size=1, max_size=4)


def _given(epoch: int, passes: Hour, minutes: int, before: Statement | None) -> EpochInput:
    """All are up for so many minutes of the hour, and leave."""
    starts_s = epoch * HOUR_S
    names = [f"n{number}" for number in range(len(passes))]
    proven = dict.fromkeys(names, Carried(first_pass_s=1.0, last_up=True))
    up = (1 << minutes) - 1
    return EpochInput(
        STREAM.stream_id,
        epoch,
        starts_s,
        starts_s + HOUR_S,
        TERMS,
        {name: Minutes(up, up) for name in names} if minutes else {},
        [
            a_check(starts_s + minute * 60.0 + 30, node_id=name, stream_id=STREAM.stream_id)
            for name, hour in zip(names, passes, strict=True)
            for minute in hour
            if minute < minutes
        ],
        before.carried() if before else proven,
        counted=before.counted() if before else (),
    )


def _balance(micros: int, epoch: int) -> Balance:
    return Balance(
        stream_id=STREAM.stream_id,
        deposited_micros=micros,
        balance_micros=micros,
        paid_micros=0,
        next_epoch=epoch,
        due_epoch=epoch,
    )


def _settled(balance: Balance, given: EpochInput) -> tuple[Balance, Statement]:
    statement = settle(given, balance.balance_micros)
    after, _ = balance.settled(statement, float(given.ends_s), is_last=False)
    return after, statement


@given(HOURS, st.data(), st.integers(1, 600))
def test_who_leaves_when_it_is_told_so_is_paid_in_full(
    passes: Hour, data: st.DataObject, minutes: int
) -> None:
    """What it served and a check followed; whatever waited when it was told."""
    first = _given(7, passes, 60, None)
    paid = sum(row.minutes_paid for row in settle(first, 10**12).rows)
    balance, before = _settled(_balance((paid + minutes) * MINUTE_MICROS, 7), first)
    told_s = balance.used_up_s
    stays = 60 if told_s is None else (told_s - first.ends_s) // 60
    assert told_s is None or 0 <= stays < 80
    count = len(passes)
    later = data.draw(st.lists(st.lists(st.integers(0, 59)), min_size=count, max_size=count))
    _, statement = _settled(balance, _given(8, later, min(60, stays), before))
    assert not any(row.short_micros for row in statement.rows)


@given(HOURS, st.data(), st.integers(1, 600))
def test_who_comes_later_takes_nothing_of_it(
    passes: Hour, data: st.DataObject, minutes: int
) -> None:
    """However many come, as a sponsor's own nodes may: they are paid of what is left."""
    first = _given(7, passes, 60, None)
    paid = sum(row.minutes_paid for row in settle(first, 10**12).rows)
    balance, before = _settled(_balance((paid + minutes) * MINUTE_MICROS, 7), first)
    told_s = balance.used_up_s
    stays = 60 if told_s is None else (told_s - first.ends_s) // 60
    hour = st.lists(st.integers(0, 59))
    later = [data.draw(hour) for _ in passes]
    alone = _given(8, later, min(60, stays), before)
    own = _given(8, [*later, *data.draw(st.lists(hour, max_size=9))], 60, before)
    own = replace(
        own,
        minutes={**own.minutes, **alone.minutes},
        checks=[
            check
            for check in own.checks
            if check in alone.checks or check.node_id not in before.carried()
        ],
    )
    _, statement = _settled(balance, own)
    rows = {row.node_id: row for row in settle(alone, 10**12).rows}
    for row in statement.rows:
        if row.node_id in rows:
            assert (row.earned_micros, row.short_micros) == (rows[row.node_id].earned_micros, 0)


@given(HOURS, st.integers(1, 600))
def test_it_is_told_in_time_and_nobody_is_called_back(passes: Hour, minutes: int) -> None:
    """Not by what those who left have not verified; only by more tokens."""
    first = _given(7, passes, 60, None)
    paid = sum(row.minutes_paid for row in settle(first, 10**12).rows)
    balance, before = _settled(_balance((paid + minutes) * MINUTE_MICROS, 7), first)
    earning = len(before.counted())
    left = minutes - balance.waiting_minutes
    if left >= 80 * earning or not earning:
        assert balance.used_up_s is None
        return
    told_s = balance.used_up_s
    assert told_s is not None
    assert told_s == first.ends_s + max(0, left) * 60 // earning
    stays = (told_s - first.ends_s) // 60
    for epoch, up in ((8, min(60, stays)), (9, max(0, stays - 60)), (10, 0)):
        nobody: Hour = [[] for _ in passes]
        balance, before = _settled(balance, _given(epoch, nobody, up, before))
        now_s = float((epoch + 1) * HOUR_S)
        if now_s < told_s:
            continue
        assert lasts_seconds(balance, STREAM, earning, now_s, CALENDAR) == 0
        status = stream_status(STREAM, balance.spendable_micros(now_s), now_s)
        assert status is StreamStatus.EXHAUSTED
    more, _ = balance.deposited(EntryKind.TOP_UP, 10**9, now_s, "r")
    assert more.spendable_micros(now_s) == more.balance_micros > 10**9 - 1


def test_the_hand_computed_short_balance_goes_to_who_was_there_first() -> None:
    """ADR 88: 60 minutes' worth are left. Two were paid before, and serve 25 minutes each. Three
    came since, and serve 20 each: they share ten minutes' worth."""
    first = _given(7, [[59]] * 2, 60, None)
    balance, before = _settled(_balance(180 * MINUTE_MICROS, 7), first)
    assert balance.used_up_s == first.ends_s + 30 * 60
    own = _given(8, [[24]] * 2 + [[4, 24]] * 3, 25, before)
    _, statement = _settled(balance, own)
    assert [row.earned_micros for row in statement.rows[:2]] == [25 * MINUTE_MICROS] * 2
    shared = [row.earned_micros for row in statement.rows[2:]]
    assert (sum(shared), max(shared) - min(shared)) == (10 * MINUTE_MICROS, 1)
    _, without = _settled(balance, replace(own, counted=()))
    assert sorted(row.earned_micros for row in without.rows)[-1] < 25 * MINUTE_MICROS


def test_who_has_no_place_is_not_counted() -> None:
    """It would have a stream called used up that lasts for long: a rival has many keys."""
    given_ = _given(7, [[59]] * 3, 60, None)
    statement = settle(replace(given_, terms=replace(TERMS, max_paid_nodes=1)), 10**12)
    assert statement.counted() == {"n0"}
    waiting = settle(_given(7, [[], []], 60, None), 10**12)
    assert waiting.counted() == {"n0", "n1"}


def test_the_hand_computed_stream_is_used_up_after_half_an_hour() -> None:
    """ADR 79: 200 minutes' worth are left, and 50 wait: ten of each of five nodes."""
    first = _given(7, [[49]] * 5, 60, None)
    balance, _ = _settled(_balance(450 * MINUTE_MICROS, 7), first)
    assert balance.balance_micros == 200 * MINUTE_MICROS
    assert balance.waiting_minutes == 50
    assert balance.used_up_s == first.ends_s + 30 * 60
    just_before = balance.used_up_s - 1.0
    assert lasts_seconds(balance, STREAM, 5, just_before, CALENDAR) == 1
    assert lasts_seconds(balance, STREAM, 0, just_before + 1, CALENDAR) == 0
