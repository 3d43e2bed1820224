"""What each statement must begin with follows from the statements and entries before it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from coordinator.ledger.entries import Entry, EntryKind
from tools.verify.deliveries import Deliveries, Hour, Openings

HOUR_S = 3600


def _hour(epoch: int, paid: int, after: int, forfeited: int = 0, refunded: int = 0) -> Hour:
    return Hour(epoch, (epoch + 1.0) * HOUR_S, paid, forfeited, refunded, after)


def _entry(number: int, kind: EntryKind, micros: int, at_s: float, after: int) -> Entry:
    epoch = None if kind in (EntryKind.DEPOSIT, EntryKind.TOP_UP) else int(at_s // HOUR_S) - 1
    return Entry(
        stream_id="s3",
        number=number,
        kind=kind,
        amount_micros=micros,
        at_s=at_s,
        balance_after_micros=after,
        epoch=epoch,
    )


WHOLE = Deliveries(
    hours=[
        _hour(10, 0, 100),
        _hour(11, 30, 70),
        _hour(12, 20, 67, forfeited=10),
        _hour(13, 7, 0, refunded=63),
    ],
    entries=[
        _entry(1, EntryKind.DEPOSIT, 100, 10.5 * HOUR_S, 100),
        _entry(2, EntryKind.TOP_UP, 7, 12.5 * HOUR_S, 77),
        _entry(3, EntryKind.FORFEIT, 10, 13.1 * HOUR_S, 67),
        _entry(4, EntryKind.TOP_UP, 3, 13.2 * HOUR_S, 70),
        _entry(5, EntryKind.REFUND, 63, 14.1 * HOUR_S, 0),
    ],
    deposited_micros=110,
    returned_micros=10,
    paid_micros=57,
    refunded_micros=63,
    balance_micros=0,
)


def _said(delivery: Deliveries) -> str:
    return "\n".join(Openings(delivery, lambda epoch: (epoch + 1.1) * HOUR_S).findings())


def test_deposits_are_in_the_epoch_that_is_settled_after_them() -> None:
    """A fraud's tokens are there in the next one."""
    openings = Openings(WHOLE, lambda epoch: (epoch + 1.1) * HOUR_S)
    assert list(openings.findings()) == []
    assert openings.by_epoch == {10: 100, 11: 100, 12: 77, 13: 70}


def test_a_deposit_while_an_epoch_is_settled_may_be_in_it_or_not() -> None:
    """Nobody knows the second in which that was done: both agree, as long as nothing is lost."""
    at_s = 12.1 * HOUR_S + 20
    with_it = replace(
        WHOLE,
        entries=[WHOLE.entries[0], _entry(2, EntryKind.TOP_UP, 7, at_s, 107), *WHOLE.entries[2:]],
        hours=[WHOLE.hours[0], _hour(11, 30, 77), *WHOLE.hours[2:]],
    )
    assert _said(with_it) == ""
    without = replace(
        WHOLE,
        entries=[WHOLE.entries[0], _entry(2, EntryKind.TOP_UP, 7, at_s, 77), *WHOLE.entries[2:]],
    )
    assert _said(without) == ""


def _with_hour(at: int, **changed: int) -> Callable[[Deliveries], Deliveries]:
    def change(whole: Deliveries) -> Deliveries:
        hours = list(whole.hours)
        hours[at] = replace(hours[at], **changed)
        return replace(whole, hours=hours)

    return change


def _with_entry(at: int, **changed: object) -> Callable[[Deliveries], Deliveries]:
    def change(whole: Deliveries) -> Deliveries:
        entries = list(whole.entries)
        entries[at] = entries[at].model_copy(update=changed)
        return replace(whole, entries=entries)

    return change


def _without_entry(at: int) -> Callable[[Deliveries], Deliveries]:
    return lambda whole: replace(
        whole, entries=[entry for each, entry in enumerate(whole.entries) if each != at]
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_with_hour(1, balance_after_micros=71), "epoch 11 begins with 0.000101"),
        (_with_hour(2, balance_after_micros=60), "epoch 12 begins with 0.00007, and 0.000077"),
        (_with_hour(1, paid_micros=29), "epoch 11 begins with 0.000099, and 0.0001 was there"),
        (_with_hour(3, refunded_micros=0), "epoch 13 begins with 0.000007"),
        (_with_entry(1, amount_micros=5), "entry 2 left 0.000077, and 0.000075 was there"),
        (_with_entry(2, amount_micros=9), "entry 3 is not what epoch 12 says of it"),
        (_with_entry(2, at_s=7.0), " s before the one before it"),
        (_without_entry(2), "between entries 2 and 4 one is missing"),
        (_without_entry(4), "epoch 13: there is no entry for its refund"),
        (lambda whole: replace(whole, balance_micros=5), "balance: published 0.000005"),
        (lambda whole: replace(whole, returned_micros=0), "returned: published 0"),
        (lambda whole: replace(whole, hours=whole.hours[:-1]), "which is not settled"),
    ],
)
def test_whatever_does_not_follow_is_named(
    change: Callable[[Deliveries], Deliveries], says: str
) -> None:
    assert says in _said(change(WHOLE))


def test_entries_that_are_published_no_more_are_missed() -> None:
    """Of more than two hundred the latest are."""
    assert WHOLE.is_whole
    assert not _without_entry(0)(WHOLE).is_whole
