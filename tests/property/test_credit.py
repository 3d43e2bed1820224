"""No more degraded checks are paid than passes have earned, whoever counts and whatever is done.

What one holds that was not earned comes back to whom passes made up for it, and to nobody else.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.simulations.adversary.known_strategies import REFUSING
from bench.simulations.adversary.policies import Policy
from bench.simulations.adversary.scores import Trial, score
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.credit import CREDIT_MAX, HOLDS_S
from coordinator.checking.stakes import marked
from coordinator.checking.suspicion import NOBODY, observe
from coordinator.ledger.forfeits import forfeits_of, held_of, losses_of
from coordinator.ledger.settlements import EpochInput, settle
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes

EPOCHS, MINUTES = 5, 60
FIRST_S = 700 * 3_600
RATE_A_MINUTE = 7
TERMS = Terms(RATE_A_MINUTE * 60, 5, 60)
OWED_MINUTES = HOLDS_S // 60
LIVES = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.sampled_from([Verdict.PASS, Verdict.PASS, Verdict.PASS, Verdict.DEGRADED]),
    ),
    max_size=60,
)


def _checks(life: list[tuple[int, Verdict]], earned: int | None = None) -> list[Check]:
    """Each so many minutes after the one before; no flags. `earned`: the credit before each one,
    if it is not what checks come to."""
    state, made, at_s = NOBODY, list[Check](), FIRST_S + 0.5
    for after, verdict in life:
        at_s += after * 60
        check = Check("n2", "s3", int(at_s // 60), at_s, verdict, Reason.OK)
        before = state if earned is None else replace(state, credit=earned)
        state = observe(before, check)[0]
        made.append(marked(check, None, before, state))
    return [check for check in made if check.due_s < FIRST_S + EPOCHS * 3_600]


def _settled(checks: list[Check]) -> list[Statement]:
    statements: list[Statement] = []
    up = (1 << MINUTES) - 1
    for number in range(EPOCHS):
        starts_s = FIRST_S + number * 3_600
        mine = [check for check in checks if starts_s <= check.due_s < starts_s + 3_600]
        lost = forfeits_of(
            losses_of(mine, starts_s), statements, 700 + number, held_of(mine, starts_s)
        )
        given_ = EpochInput(
            "s3", 700 + number, starts_s, starts_s + 3_600, TERMS, {"n2": Minutes(up, up)}, mine,
            statements[-1].carried() if statements else {}, forfeits=lost,
        )  # fmt: skip
        statements.append(settle(given_, 10**9))
    return statements


def _kept(statements: list[Statement]) -> int:
    """Minutes that are paid, and stay so."""
    return sum(one.paid_micros - one.forfeited_micros for one in statements) // RATE_A_MINUTE


@given(LIVES)
def test_what_is_not_paid_is_held_and_no_more_than_is_owed(
    life: list[tuple[int, Verdict]],
) -> None:
    """After a pass, beside a node whose degraded checks were all earned: the same minutes."""
    checks = _checks([*life, (1, Verdict.PASS)])
    if not checks or checks[-1].verdict is not Verdict.PASS:
        return
    statements = _settled(checks)
    held = statements[-1].rows[0].carried.held
    beside = _settled(_checks([*life, (1, Verdict.PASS)], CREDIT_MAX))
    assert _kept(statements) + held == _kept(beside)
    if not statements[-1].forfeited_micros:  # or it is held at the end, and the next pass tells
        assert held <= checks[-1].owes * OWED_MINUTES


@given(LIVES)
def test_passes_that_make_up_for_all_of_it_give_all_of_it_back(
    life: list[tuple[int, Verdict]],
) -> None:
    """Twenty-eight for each that was degraded."""
    degraded = sum(verdict is Verdict.DEGRADED for _, verdict in life[:6])
    passes = [(0, Verdict.PASS)] * 28 * degraded + [(60, Verdict.PASS)]
    checks = _checks([*life[:6], *passes])
    if len(checks) == len(life[:6]) + len(passes):
        statements = _settled(checks)
        assert statements[-1].rows[0].carried.held == 0


TRIAL = Trial(8, 48, 900_001)


@pytest.mark.parametrize("policy", REFUSING, ids=str)
def test_who_turns_viewers_away_while_few_checks_were_degraded_gains_nothing(
    policy: Policy,
) -> None:
    found = score(policy, TRIAL)
    assert found.gain <= 2 * found.error


def test_were_degraded_checks_free_a_new_key_before_each_flag_would_be_paid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The old rule put back: 0.19 of a day a node-day."""
    monkeypatch.setattr("coordinator.checking.credit.DEGRADED_TAKES", 0)
    assert score(REFUSING[0], TRIAL).gain > 0.1
