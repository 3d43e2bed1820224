"""Nodes that leave when they are told that a stream is used up are paid for all that was verified.

And what is left then calls nobody back: it is for minutes that wait.
"""

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
    assert told_s is None or 0 <= stays < 60
    count = len(passes)
    later = data.draw(st.lists(st.lists(st.integers(0, 59)), min_size=count, max_size=count))
    _, statement = _settled(balance, _given(8, later, stays, before))
    assert not any(row.short_micros for row in statement.rows)


@given(HOURS, st.integers(1, 600))
def test_it_is_told_in_time_and_nobody_is_called_back(passes: Hour, minutes: int) -> None:
    """Not by what those who left have not verified; only by more tokens."""
    first = _given(7, passes, 60, None)
    paid = sum(row.minutes_paid for row in settle(first, 10**12).rows)
    balance, before = _settled(_balance((paid + minutes) * MINUTE_MICROS, 7), first)
    earning = sum(1 for row in before.rows if row.minutes_paid)
    left = minutes - balance.waiting_minutes
    if left >= 60 * earning or not earning:
        assert balance.used_up_s is None
        return
    told_s = balance.used_up_s
    assert told_s is not None
    assert told_s == first.ends_s + max(0, left) * 60 // earning
    stays = (told_s - first.ends_s) // 60
    for epoch, up in ((8, stays), (9, 0), (10, 0)):
        nobody: Hour = [[] for _ in passes]
        balance, before = _settled(balance, _given(epoch, nobody, up, before))
        now_s = float((epoch + 1) * HOUR_S)
        assert lasts_seconds(balance, STREAM, earning, now_s, CALENDAR) == 0
        status = stream_status(STREAM, balance.spendable_micros(now_s), now_s)
        assert status is StreamStatus.EXHAUSTED
    more, _ = balance.deposited(EntryKind.TOP_UP, 10**9, now_s, "r")
    assert more.spendable_micros(now_s) == more.balance_micros > 10**9 - 1


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
