"""A passed check pays a few of the minutes that were unknown of its node alone, and no more."""

from hypothesis import given
from hypothesis import strategies as st

from coordinator.checking.checks import Verdict
from coordinator.ledger.rows import Carried
from coordinator.ledger.settlements import EpochInput, settle
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes
from tests.builders import a_check

MINUTES = 30
BITS = st.integers(0, (1 << MINUTES) - 1)
ALL = (1 << MINUTES) - 1
CAME_ALONG = st.lists(st.integers(0, 20), min_size=2, max_size=2).map(sorted)
PASSES = st.sets(st.integers(0, MINUTES - 1)).map(sorted)


@given(BITS, BITS, PASSES, st.integers(0, 9), CAME_ALONG)
def test_a_pass_pays_a_few_unknown_minutes(
    unknown: int, measured: int, passes: list[int], most: int, came_along: list[int]
) -> None:
    """S1: three minutes served, 57 made unknown, one pass an hour. Those that came along count,
    too; minutes in which nobody was measured do not."""
    terms = Terms(60, 5, 60, unknown_minutes_max=most)
    alone, waiting = came_along
    minutes = Minutes(ALL, ALL & ~unknown, unknown, unknown_alone=unknown & measured)
    checks = [a_check(6000 + minute * 60 + 30.0) for minute in passes]
    before = Carried(1.0, waiting, last_up=True, unknown_alone=alone)
    given_ = EpochInput(
        "s3", 3, 6000, 6000 + MINUTES * 60, terms, {"n2": minutes}, checks, {"n2": before}
    )
    (row,) = settle(given_, 10**9).rows
    beyond, last = 0, -1
    for number, minute in enumerate(passes):
        interval = (2 << minute) - (1 << last + 1)
        known = (unknown & measured & interval).bit_count() + (0 if number else alone)
        beyond += max(0, known - most)
        assert (row.paid_bits & unknown & measured & interval).bit_count() <= most
        assert row.paid_bits & interval & ~(unknown & measured) == interval & ~(unknown & measured)
        last = minute
    assert row.minutes_unpaid(Reason.UNKNOWN_ALONE) == beyond


@given(BITS, st.integers(0, MINUTES - 1))
def test_what_nobody_could_be_measured_in_counts_as_before(unknown: int, passed: int) -> None:
    """Our own fault costs nobody, however long it lasts."""
    minutes = Minutes(ALL, ALL & ~unknown, unknown)
    check = a_check(6000 + passed * 60 + 30.0, Verdict.PASS)
    given_ = EpochInput(
        "s3", 3, 6000, 6000 + MINUTES * 60, Terms(60, 5, 60, unknown_minutes_max=0),
        {"n2": minutes}, [check], {"n2": Carried(1.0, last_up=True)},
    )  # fmt: skip
    (row,) = settle(given_, 10**9).rows
    assert row.minutes_paid == passed + 1
