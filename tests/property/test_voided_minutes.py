"""What only a share of the checks sees costs what was earned since one of them passed.

A node whose checks have all lengths, over many epochs. Against the real rules stands a model that
remembers every minute by itself, and looks at no statement.
"""

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from coordinator.checking.checks import Check, Verdict
from coordinator.checking.credit import CREDIT_MAX
from coordinator.checking.lengths import Length
from coordinator.checking.stakes import VOIDS_AT_LEAST_S, WATCHED_VOIDS_AT_LEAST_S, marked
from coordinator.checking.suspicion import NOBODY, observe
from coordinator.ledger.accounts import Accounts
from coordinator.ledger.forfeits import forfeits_of, losses_of
from coordinator.ledger.settlements import EpochInput, settle
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes

EPOCHS, MINUTES, MINUTE_S = 9, 6, 600
EPOCH_S = MINUTES * MINUTE_S
HOLDING = 6
RATE_A_MINUTE = 7
TERMS = Terms(RATE_A_MINUTE * 3600 // MINUTE_S, 5, MINUTE_S, HOLDING)
VERDICTS = st.sampled_from(
    [None, None, Verdict.PASS, Verdict.PASS, Verdict.DEGRADED, Verdict.FAIL, Verdict.UNKNOWN]
)
MADE = st.lists(
    st.tuples(VERDICTS, st.sampled_from(Length), st.booleans()),
    min_size=EPOCHS * MINUTES,
    max_size=EPOCHS * MINUTES,
)
"""What came of the check of a minute, how long it was, and whether its node was watched."""
Made = tuple[Verdict | None, Length, bool]
FIRST_S = 7 * EPOCH_S


def _is_cut(verdict: Verdict | None, length: Length) -> bool:
    """Very long ones that are degraded stand for those that were cut."""
    return verdict is Verdict.DEGRADED and length is Length.VERY_LONG


def _checks(made: list[Made]) -> list[Check]:
    """One at most in each minute, with what each voids; without the flags of a cheat."""
    state, checks = NOBODY, []
    for minute, (verdict, length, watched) in enumerate(made):
        if verdict is None:
            continue
        due_s = FIRST_S + minute * MINUTE_S + 300.5
        reason = Reason.CUT if _is_cut(verdict, length) else Reason.OK
        check = Check("n2", "s3", int(due_s // 60), due_s, verdict, reason, length=length)
        check = replace(check, is_watched=watched)
        # As on a line that has earned every degraded check that it has.
        after = observe(replace(state, credit=CREDIT_MAX), check)[0]
        checks.append(marked(check, None, state, after))
        state = after
    return checks


def _settled(checks: list[Check]) -> list[Statement]:
    statements: list[Statement] = []
    up = (1 << MINUTES) - 1
    for epoch in range(7, 7 + EPOCHS):
        starts_s, ends_s = epoch * EPOCH_S, (epoch + 1) * EPOCH_S
        mine = [check for check in checks if starts_s <= check.due_s < ends_s]
        given = EpochInput(
            "s3", epoch, starts_s, ends_s, TERMS, {"n2": Minutes(up, up)}, mine,
            statements[-1].carried() if statements else {},
            forfeits=forfeits_of(losses_of(mine, starts_s), statements[-HOLDING:], epoch),
        )  # fmt: skip
        statements.append(settle(given, 10**9))
    return statements


@dataclass
class Model:
    """Every minute by itself: in which statement it was paid, until something voids it."""

    paid_in: dict[int, int] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)
    proven: bool = False
    failed: bool = False
    passed: list[tuple[int, Length]] = field(default_factory=list)
    """Clean ones."""

    def minute(self, minute: int, made: Made) -> None:
        verdict, length, watched = made
        self.waiting.append(minute)
        if verdict is Verdict.PASS:
            if self.proven and not self.failed:
                self.paid_in |= dict.fromkeys(self.waiting, minute // MINUTES)
            self.waiting, self.proven, self.failed = [], True, False
            self.passed.append((minute, length))
        if verdict is Verdict.FAIL or _is_cut(verdict, length):
            self._void(minute, length, watched=watched)

    def _void(self, minute: int, length: Length, *, watched: bool) -> None:
        """Minutes that came along into a statement are void where its epoch's beginning is."""
        alike = [at for at, of in self.passed if of.at_least_s >= length.at_least_s]
        at_least_s = VOIDS_AT_LEAST_S[length]
        if watched:
            at_least_s = min(at_least_s, WATCHED_VOIDS_AT_LEAST_S)
        since = min(max(alike, default=-1), minute - at_least_s // MINUTE_S)
        held_since = minute // MINUTES - HOLDING
        self.paid_in = {
            at: epoch
            for at, epoch in self.paid_in.items()
            if max(at, epoch * MINUTES) <= since or epoch < held_since
        }
        self.waiting, self.failed = [], True


@given(MADE)
def test_a_failure_voids_back_to_the_last_pass_that_could_have_seen_it(
    made: list[Made],
) -> None:
    """In what is waiting, in what this epoch has paid, and in what is still pending; and no less
    far than checks of its length are rare."""
    model = Model()
    for minute, one in enumerate(made):
        model.minute(minute, one)
    statements = _settled(_checks(made))
    kept = sum(s.paid_micros - s.forfeited_micros for s in statements)
    assert kept == RATE_A_MINUTE * len(model.paid_in)


@given(MADE)
def test_what_is_voided_comes_back_to_the_stream_and_leaves_the_account(
    made: list[Made],
) -> None:
    """By entries of later statements: none is changed, and nothing is taken back twice."""
    accounts, balance = Accounts(), 10**9
    for statement in _settled(_checks(made)):
        accounts = accounts.applying(statement)
        balance += statement.balance_after_micros - statement.balance_before_micros
        account = accounts.nodes.get("n2")
        earned = account.earned_micros if account else 0
        assert earned == 10**9 - balance
        assert earned >= 0


@given(
    st.lists(st.sampled_from([Verdict.PASS, Verdict.DEGRADED]), min_size=1, max_size=40),
    st.sampled_from([Verdict.FAIL, Verdict.DEGRADED]),
)
def test_who_fails_each_check_of_a_length_keeps_nothing_that_shorter_ones_paid(
    short: list[Verdict], last: Verdict
) -> None:
    """S4: 19 checks of 20 pass whoever cuts viewers after 16 s; all of it is void at the 20th,
    whether its retest meets a minute that is served or not."""
    made = [(verdict, Length.SHORT, False) for verdict in short[: HOLDING * MINUTES]]
    statements = _settled(_checks([*made, (last, Length.VERY_LONG, False)]))
    assert sum(s.paid_micros - s.forfeited_micros for s in statements) == 0


@given(
    st.integers(1, EPOCHS * MINUTES - 2),
    st.sampled_from([Length.LONG, Length.VERY_LONG]),
    st.booleans(),
)
def test_a_pass_of_the_same_length_saves_nothing_of_the_intervals_before_it(
    passes: int, length: Length, watched: bool
) -> None:
    """Who cuts viewers only for a while after each very long pass would lose that while alone.

    Beside a neighbour each check is very long, and an hour is void."""
    made: list[Made] = [(Verdict.PASS, length, watched)] * passes
    statements = _settled(_checks([*made, (Verdict.FAIL, length, watched)]))
    kept = sum(s.paid_micros - s.forfeited_micros for s in statements)
    at_least_s = {Length.LONG: 0, Length.VERY_LONG: 3_600 if watched else 18_000}[length]
    lost = max(at_least_s // MINUTE_S, 1)
    assert kept == RATE_A_MINUTE * max(0, passes - lost)


@given(st.integers(0, 36), st.lists(st.sampled_from([Verdict.PASS, Verdict.DEGRADED]), min_size=17))
def test_a_flag_by_degraded_checks_voids_what_these_were_paid_beside(
    passes: int, then: list[Verdict]
) -> None:
    """Whoever turns each tenth connection away would else keep what it was paid until then."""
    state, checks = NOBODY, []
    for minute, verdict in enumerate([Verdict.PASS] * passes + then):
        due_s = FIRST_S + minute * MINUTE_S + 300.5
        check = Check("n2", "s3", int(due_s // 60), due_s, verdict, Reason.OK)
        before, (state, event) = state, observe(state, check)
        checks.append(marked(check, event, before, state))
        if event or minute == EPOCHS * MINUTES - 1:
            break
    statements = _settled(checks)
    held_since = statements[0].epoch + (len(checks) - 1) // MINUTES - HOLDING
    kept = sum(s.paid_micros - s.forfeited_micros for s in statements)
    paid = [s.paid_micros for s in statements if s.epoch < held_since or not checks[-1].event]
    assert kept == sum(paid)
