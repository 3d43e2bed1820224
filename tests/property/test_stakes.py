"""Who has less to lose is watched for long the more often, so that no bet on short checks pays.

A very long check is drawn with one in as many as its failure would void. So whatever a node does
before it begins to cut viewers, and whenever it stops, the next interval is worth nothing to it.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.simulations.adversary.deeds import Deed
from bench.simulations.adversary.policies import Condition, Policy, Rule, Sight
from bench.simulations.adversary.scores import Trial, score
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lengths import Length
from coordinator.checking.lottery import NEWCOMER_S, STAKE_MAX, Lottery
from coordinator.checking.stakes import SLOT_S, VOIDS_AT_LEAST_S, marked, stake_of
from coordinator.checking.trust_book import TrustBook
from coordinator.reasons import Reason
from tests.builders import a_check

FIRST_S = 1_795_305_600
LONGEST = Length.VERY_LONG
LIVED = st.lists(
    st.tuples(
        st.integers(1, 5_000),
        st.sampled_from([Verdict.PASS, Verdict.PASS, Verdict.PASS, Verdict.DEGRADED, Verdict.FAIL]),
        st.sampled_from(Length),
        st.booleans(),
    ),
    max_size=60,
)


def _lived(life: list[tuple[int, Verdict, Length, bool]]) -> tuple[TrustBook, list[Check]]:
    """Each check so many seconds after the one before; some are retests."""
    made: list[Check] = []
    at_s, book = FIRST_S, TrustBook()
    for after_s, verdict, length, is_retest in life:
        at_s += after_s
        cause_s = at_s - 150.0 if is_retest else None
        is_cut = verdict is Verdict.DEGRADED and length is LONGEST
        reason = Reason.CUT if is_cut else None
        check = a_check(float(at_s), verdict, reason, length=length, caused_by_s=cause_s)
        book, marks = book.observing([check])
        made += marks
    return book, made


@given(LIVED, st.integers(0, 30_000))
def test_a_stake_is_never_more_than_a_very_long_failure_voids(
    life: list[tuple[int, Verdict, Length, bool]], later_s: int
) -> None:
    """Every pass that it counts was paid after the instant back to which that would void."""
    book, made = _lived(life)
    at_s = (made[-1].due_s if made else FIRST_S) + later_s
    failure = a_check(at_s, Verdict.FAIL, Reason.STALLED, length=Length.VERY_LONG)
    since_s = marked(failure, None, book.of("n2"), book.of("n2")).voids_from_s
    assert since_s is not None
    failed = [check.due_s for check in made if check.verdict is Verdict.FAIL or check.is_cut]
    paying = [
        check
        for check in made
        if check.may_pay
        and check.due_s > max([float(since_s), *failed])
        and check.due_s >= made[0].due_s + NEWCOMER_S
    ]
    stake = stake_of(book.of("n2"), at_s)
    assert stake <= min(STAKE_MAX, len(paying))
    lately = [check for check in paying if check.due_s > at_s - VOIDS_AT_LEAST_S[LONGEST] + SLOT_S]
    assert bool(stake) >= bool(lately)


@given(st.integers(0, STAKE_MAX + 3))
def test_the_bet_on_a_shorter_check_is_worth_nothing_whatever_there_is_to_lose(stake: int) -> None:
    """One of n + 1 is very long; and whichever is so for a large stake is so for a smaller one."""
    lottery = Lottery(b"\x07" * 32, 60, 4)
    drawn = [
        [lottery.length("n2", draw, less) is Length.VERY_LONG for draw in range(4_000)]
        for less in (stake, max(0, stake - 1))
    ]
    assert all(smaller or not larger for larger, smaller in zip(*drawn, strict=True))
    share = sum(drawn[0]) / 4_000
    expected = 1 / (min(stake, STAKE_MAX) + 1)
    assert abs(share - expected) <= 5 * (expected * (1 - expected) / 4_000) ** 0.5


def _until(sight: Sight, value: int, deed: Deed) -> Rule:
    return Rule((Condition(sight, value),), deed)


def _from(sight: Sight, value: int, deed: Deed) -> Rule:
    return Rule((Condition(sight, value, below=False),), deed)


CUTTERS = {
    "always": Policy((), Deed.CUT_16),
    "for two hours after each very long pass": Policy(
        (_until(Sight.SINCE_LONGEST, 120, Deed.CUT_16),), Deed.SERVE
    ),
    "with a new key every two hours": Policy(
        (_from(Sight.KEY_AGE, 120, Deed.NEW_KEY),), Deed.CUT_16
    ),
    "with a new key that serves for ten minutes": Policy(
        (_from(Sight.KEY_AGE, 120, Deed.NEW_KEY), _until(Sight.KEY_AGE, 10, Deed.SERVE)),
        Deed.CUT_16,
    ),
    "after 60 s, in five minutes of ten": Policy(
        (_until(Sight.CYCLE, 5, Deed.CUT_60),), Deed.SERVE, period=10
    ),
    "every tenth one, after 60 s": Policy((), Deed.CUT_SOME),
    "with five keys in turn, each until it is ahead": Policy(
        (_from(Sight.PASSES, 12, Deed.LEAVE), _until(Sight.TURN, 1, Deed.CUT_16)),
        Deed.LEAVE,
        keys=5,
        period=288,
    ),
}
TRIAL = Trial(6, 36, 900_001)


@pytest.mark.parametrize("how", CUTTERS)
def test_whoever_cuts_viewers_early_is_paid_less_than_it_serves(how: str) -> None:
    assert score(CUTTERS[how], TRIAL).gain < 0


def test_were_all_lengths_drawn_alike_keys_in_turn_would_be_paid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The old rule put back: so much hangs on the stake."""
    monkeypatch.setattr("prober.draws.stake_of", lambda *_: STAKE_MAX)
    monkeypatch.setattr("coordinator.checking.credit.DEGRADED_TAKES", 0)
    keys_in_turn = CUTTERS["with five keys in turn, each until it is ahead"]
    assert score(keys_in_turn, replace(TRIAL, seed=900_002)).gain > 0.2


NOW_AND_THEN = Policy((_until(Sight.CYCLE, 2, Deed.CUT_60),), Deed.SERVE, period=10)


def test_who_cuts_viewers_in_some_minutes_is_not_paid_for_it() -> None:
    """Each retest comes a minute later, and mostly meets one that is served."""
    found = score(NOW_AND_THEN, TRIAL)
    assert found.gain <= 2 * found.error


def test_were_a_cut_check_only_degraded_cutting_now_and_then_would_be_paid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The old rule put back: 0.16 of a day a node-day."""
    monkeypatch.setattr(Check, "is_cut", property(lambda _: False))
    monkeypatch.setattr("coordinator.checking.credit.DEGRADED_TAKES", 0)
    assert score(NOW_AND_THEN, TRIAL).gain > 0.1
