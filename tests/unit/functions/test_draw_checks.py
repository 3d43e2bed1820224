"""The checks of one draw: nobody's verdict waits for a check that lasts two minutes."""

import asyncio
import math
from dataclasses import replace

import pytest

from coordinator.checking.checks import Verdict
from coordinator.checking.lengths import Length
from coordinator.checking.lottery import Lottery
from coordinator.checking.suspicion import PUBLISHED, Trust, TrustState, observe
from coordinator.checking.trust_book import TrustBook
from coordinator.reasons import Reason
from prober.draw_checks import Made, checks_of
from prober.draws import Due, due_in
from tests.builders import a_check, a_slot

LOTTERY = Lottery(b"\x07" * 32, check_seconds=60, checks_per_hour=30)
RICH = TrustState(stake_bits=(1 << 45) - 1, stake_slot=10**9)
"""It has as much to lose as anybody: one check of twenty is very long."""
DUE = [Due(a_slot(name), 7.0) for name in ("n2", "n3")]


async def test_what_is_not_over_is_put_off_and_comes_as_it_ends() -> None:
    """Each check once."""
    go_on = asyncio.Event()

    async def make(one: Due) -> Made:
        if one.slot.node_id == "n3":
            await go_on.wait()
        return Made(replace(a_check(7.0), node_id=one.slot.node_id))

    async with checks_of(DUE, make, lambda: 0.0) as checks:
        first = await checks.over_by(0.05)
        assert [check.node_id for check in first] == ["n2"]
        assert checks.put_off == ("n3",)
        go_on.set()
        rest = [check.node_id async for part in checks.rest(7.0, 7) for check in part]
        assert rest == ["n3"]
        assert not checks.put_off


@pytest.mark.parametrize("is_put_off", [False, True])
async def test_who_is_spared_is_out_of_the_draw_unless_it_was_put_off(is_put_off: bool) -> None:
    """A record names what was put off: it has to come."""
    go_on = asyncio.Event()

    async def make(one: Due) -> Made:
        if is_put_off:
            await go_on.wait()
        made = replace(a_check(7.0), node_id=one.slot.node_id)
        return Made(made, is_spared=one.slot.node_id == "n3")

    async with checks_of(DUE, make, lambda: 0.0) as checks:
        first = [check.node_id for check in await checks.over_by(0.05)]
        go_on.set()
        rest = [check.node_id async for part in checks.rest(7.0, 7) for check in part]
    assert (first, sorted(rest)) == (([], ["n2", "n3"]) if is_put_off else (["n2"], []))


async def test_what_is_never_over_is_given_up_by_our_own_fault() -> None:
    """Else one that hangs would keep the record of all others for ever."""

    async def make(one: Due) -> Made:
        if one.slot.node_id == "n3":
            await asyncio.Event().wait()
        return Made(replace(a_check(7.0), node_id=one.slot.node_id))

    async with checks_of(DUE, make, lambda: 0.0) as checks:
        rest = [check async for part in checks.rest(0.05, draw=7) for check in part]
        assert not checks.put_off
    assert {check.node_id: check.reason for check in rest} == {
        "n2": Reason.PASSED,
        "n3": Reason.UNKNOWN_INTERNAL,
    }


async def test_a_block_that_ends_leaves_no_check_behind() -> None:
    """Its connections are closed by then."""
    ended: list[str] = []

    async def make(one: Due) -> Made:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(one.slot.node_id)
        raise AssertionError

    async with checks_of(DUE, make, lambda: 0.0) as checks:
        assert await checks.over_by(0.01) == []
    assert sorted(ended) == ["n2", "n3"]


def test_a_retest_lasts_as_long_as_the_check_that_failed() -> None:
    """Who cuts viewers after 16 s fails one check in twenty, and would pass every other one."""
    failed = replace(a_check(7.0, Verdict.FAIL, Reason.STALLED), length=Length.VERY_LONG)
    state, _ = observe(TrustState(), failed)
    flagged = replace(state, trust=Trust.FLAGGED, flagged_s=7.0)
    book = TrustBook({"n3": flagged})
    slots = [a_slot("n3")]
    for draw in range(1_000, 1_010):
        (one,) = due_in(draw, slots, book, LOTTERY, 60)
        assert one.length is Length.VERY_LONG
        assert one.spans_s == LOTTERY.spans_s("n3", draw)


def test_what_was_found_is_looked_for_again_by_the_next_check_that_is_drawn() -> None:
    """What retests of a failure are too early to know: its own retest ended minutes later."""
    failed = replace(a_check(7.0, Verdict.FAIL, Reason.STALLED), length=Length.VERY_LONG)
    state, _ = observe(RICH, failed)
    lengths = [
        due.length
        for draw in range(1_000, 1_100)
        for due in due_in(draw, [a_slot("n3")], TrustBook({"n3": state}), LOTTERY, 60)
    ]
    assert lengths
    assert set(lengths) == {Length.VERY_LONG}


def test_who_cuts_the_first_connection_and_serves_the_retest_is_flagged() -> None:
    """By its degraded checks: from the first very long one on each is as long, and as degraded."""
    state, draw, seen = RICH, 0, list[Length]()
    while state.trust is not Trust.FLAGGED:
        draw += 1
        for due in due_in(draw, [a_slot("n3")], TrustBook({"n3": state}), LOTTERY, 60):
            if due.length is Length.VERY_LONG:
                ends = a_check(60.0 * draw, Verdict.DEGRADED, Reason.DEGRADED)
            else:
                ends = a_check(60.0 * draw)
            seen.append(due.length)
            state, _ = observe(state, replace(ends, length=due.length))
    first = seen.index(Length.VERY_LONG)
    in_a_row = math.ceil(PUBLISHED.flag_at / PUBLISHED.degraded)
    assert seen[first:] == [Length.VERY_LONG] * in_a_row


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [(Verdict.FAIL, Reason.STALLED), (Verdict.DEGRADED, Reason.DEGRADED)],
)
def test_only_a_pass_of_that_length_makes_a_long_failure_good(
    verdict: Verdict, reason: Reason
) -> None:
    """Shorter ones do not see what it saw; who serves the retest alone has made nothing good."""
    failed = replace(a_check(7.0, verdict, reason), length=Length.VERY_LONG)
    state, _ = observe(TrustState(), failed)
    for length, wanted in ((Length.LONG, Length.VERY_LONG), (Length.VERY_LONG, Length.SHORT)):
        after, _ = observe(state, replace(a_check(8.0), length=length))
        assert after.failed_length is wanted
