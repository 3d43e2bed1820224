"""Suspicion: a sequential test over a node's checks, and what becomes of its trust.

CUSUM (Page 1954) of log-likelihood ratios, in thousandths of a nat. Against an honest node
(a check passes with 0.97, passes only when repeated with 0.0291, fails twice with 0.0009: 3 %
transient failure) stands a node that serves half of the time, whose retest within the next minute
is a new toss of the coin (0.49, 0.25, 0.26). Three failed checks in a row reach the threshold.
Beside it the share of degraded checks is tested over the last forty: who is degraded in one of
five stays below CUSUM's drift. The derivation of both is in docs/suspicion.md.

Two things can be wrong with a node. Content that no honest relay can produce is proof: it makes a
fraud. Absence is none: a cut line and a flood by a rival look the same, so it only suspends.
The module is long, so that all that checks make of a node is seen in one place.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.checking.credit import credit_after
from coordinator.checking.lengths import Length, longer_of
from coordinator.reasons import Reason
from coordinator.strangers.networks import place_number

PROVEN_WRONG = frozenset({Reason.WRONG_CONTENT, Reason.REPLAYED})


class Trust(StrEnum):
    """What a node's checks have shown so far."""

    UNPROVEN = "unproven"
    PROVEN = "proven"
    FLAGGED = "flagged"
    """Retested in every draw."""
    SUSPENDED = "suspended"
    """Found absent by its retests; drawn checks go on, and a pass flags it again."""
    FRAUD = "fraud"


@dataclass(frozen=True, slots=True)
class SuspicionParameters:
    """Published; all weights in thousandths of a nat."""

    passed: int = -683  # ln(0.49 / 0.97)
    degraded: int = 2_151  # ln(0.25 / 0.0291)
    failed: int = 5_666  # ln(0.26 / 0.0009)
    flag_at: int = 16_900  # as much as three failed checks in a row come to, and no less
    wrong_content_flags_at: int = 2
    """Content proven wrong this often flags at once, and makes a fraud of who was flagged."""
    degraded_flags_at: int = 9
    """So many degraded checks of the last `DEGRADED_OF` flag: an honest node has them with a
    chance of 5 in ten million a check."""
    clears_at: int = 6
    """Retests that passed at the first connection and clear a flag."""
    confirms_at: int = 3
    """Other retests that confirm it: decided within 8 retests, one a draw. A fraud if content
    was proven wrong, suspended otherwise."""


DEGRADED_OF = 40
"""The last checks whose share of degraded ones is tested: ten hours at four an hour."""


PUBLISHED = SuspicionParameters()


@dataclass(frozen=True, slots=True)
class TrustState:
    """What is known of one node: a fold over its checks, so it can be rebuilt from them."""

    trust: Trust = Trust.UNPROVEN
    score: int = 0
    passed: int = 0
    failed: int = 0
    degraded: int = 0
    unknown: int = 0
    wrong_content: int = 0
    """Checks that proved content wrong since it was last cleared."""
    retests_passed: int = 0
    retests_failed: int = 0
    last_check_s: float | None = None
    last_pass_s: float | None = None
    last_reason: str | None = None
    flagged_s: float | None = None
    lately_degraded: int = 0
    """Which of the last `DEGRADED_OF` checks were degraded, one bit each, the newest lowest."""
    delisted_s: float | None = None
    """When the check was due that took it off every list; None while lists may name it."""
    doubted_s: float | None = None
    """When its last check was due that failed while many did: lists wait for a second run."""
    failed_length: Length = Length.SHORT
    """Of its longest failed or degraded check since one of that length passed: its next checks
    last as long."""
    passed_short_s: int | None = None
    passed_long_s: int | None = None
    passed_very_long_s: int | None = None
    """When its last check of that length or a longer one was due that passed at the first
    connection, in whole seconds."""
    new_until_s: int | None = None
    """Passes until then add nothing to what it has to lose; 0 once that is over."""
    stake_slot: int = 0
    stake_bits: int = 0
    """What it has to lose (`coordinator.checking.stakes`): in which slots up to that one it passed,
    one bit each, the newest lowest."""
    place: int = 0
    """Where its last check that passed at the first connection reached it
    (`coordinator.strangers.networks`); 0 where that was no public address."""
    credit: int = 0
    """Thousandths of degraded checks that its passes have earned beyond those that it had."""

    @property
    def failure(self) -> Reason | None:
        """Why the last check that counts failed; None if it passed, or there was none."""
        if self.last_reason in (None, Reason.PASSED, Reason.DEGRADED, Reason.CUT):
            return None
        return Reason(self.last_reason)


NOBODY = TrustState()


def observe(
    state: TrustState,
    check: Check,
    parameters: SuspicionParameters = PUBLISHED,
    *,
    is_excused: bool = False,
) -> tuple[TrustState, TrustChange | None]:
    """The state after one more check, and what that set in motion.

    `is_excused`: whatever fails of it raises no score (`coordinator.checking.delistings`)."""
    if not check.verdict.counts or state.trust is Trust.FRAUD:
        return replace(state, unknown=state.unknown + (not check.verdict.counts)), None
    counted = _count(state, check)
    if check.has_left:  # which says that it is gone, and nothing else
        return replace(counted, lately_degraded=state.lately_degraded), None
    if counted.trust is Trust.FLAGGED:
        return _retested(counted, check, parameters)
    if counted.trust is Trust.SUSPENDED:
        return _suspended(counted, check, parameters)
    weighed = replace(parameters, degraded=0, failed=0) if is_excused else parameters
    return _tested(counted, check, weighed)


def may_change_by_failing(state: TrustState) -> bool:
    """Whether one more failed check, of whatever reason, could flag, suspend or confirm."""
    wrong = Check("", "", 0, 0.0, Verdict.FAIL, Reason.WRONG_CONTENT)
    return observe(state, wrong)[1] is not None


def _count(state: TrustState, check: Check) -> TrustState:
    good = check.verdict is not Verdict.FAIL
    degraded = check.verdict is Verdict.DEGRADED
    return replace(
        state,
        lately_degraded=(state.lately_degraded << 1 | degraded) % (1 << DEGRADED_OF),
        passed=state.passed + (check.verdict is Verdict.PASS),
        degraded=state.degraded + degraded,
        failed_length=_failed_length(state, check),
        failed=state.failed + (not good),
        wrong_content=state.wrong_content + (check.reason in PROVEN_WRONG),
        last_check_s=check.due_s,
        last_pass_s=check.due_s if good else state.last_pass_s,
        last_reason=check.reason.value,
        passed_short_s=_passed_s(state.passed_short_s, check, Length.SHORT),
        passed_long_s=_passed_s(state.passed_long_s, check, Length.LONG),
        passed_very_long_s=_passed_s(state.passed_very_long_s, check, Length.VERY_LONG),
        place=_place(state, check),
        credit=credit_after(state.credit, check),
    )


def _place(before: TrustState, check: Check) -> int:
    """A late record may come after one of a later check."""
    is_newest = int(check.due_s) >= (before.passed_short_s or 0)
    if check.verdict is Verdict.PASS and check.address and is_newest:
        return place_number(check.address)
    return before.place


def _passed_s(before: int | None, check: Check, length: Length) -> int | None:
    """A late record may come after one of a later check."""
    if check.verdict is not Verdict.PASS or longer_of(check.length, length) is not check.length:
        return before
    return max(int(check.due_s), before or 0)


def _failed_length(state: TrustState, check: Check) -> Length:
    """Until a check of that length passes: shorter ones do not see what it saw."""
    longer = longer_of(state.failed_length, check.length)
    if check.verdict is not Verdict.PASS:
        return longer
    return Length.SHORT if check.length is longer else state.failed_length


def _tested(
    state: TrustState, check: Check, parameters: SuspicionParameters
) -> tuple[TrustState, TrustChange | None]:
    weight = {
        Verdict.PASS: parameters.passed,
        Verdict.DEGRADED: parameters.degraded,
        Verdict.FAIL: parameters.failed,
    }[check.verdict]
    score = max(0, state.score + weight)
    is_often_degraded = state.lately_degraded.bit_count() >= parameters.degraded_flags_at
    if score >= parameters.flag_at or is_often_degraded or _is_proven_wrong(state, parameters):
        return _flagged(state, check), TrustChange.FLAGGED
    trust = Trust.PROVEN if check.verdict is Verdict.PASS else state.trust
    return replace(state, score=score, trust=trust), None


def _retested(
    state: TrustState, check: Check, parameters: SuspicionParameters
) -> tuple[TrustState, TrustChange | None]:
    """A degraded retest counts against the node: else who refuses first would clear itself."""
    passed = check.verdict is Verdict.PASS
    state = replace(
        state,
        retests_failed=state.retests_failed + (not passed),
        retests_passed=state.retests_passed + passed,
    )
    if state.retests_failed >= parameters.confirms_at:
        if _is_proven_wrong(state, parameters):
            return replace(state, trust=Trust.FRAUD), TrustChange.CONFIRMED
        return replace(state, trust=Trust.SUSPENDED, flagged_s=None), TrustChange.SUSPENDED
    if state.retests_passed >= parameters.clears_at:
        cleared = replace(state, trust=Trust.PROVEN, score=0, wrong_content=0, flagged_s=None)
        return cleared, TrustChange.CLEARED
    return state, None


def _suspended(
    state: TrustState, check: Check, parameters: SuspicionParameters
) -> tuple[TrustState, TrustChange | None]:
    """A clean pass has retests decide anew; to be absent once more changes nothing."""
    if check.verdict is Verdict.PASS:
        return _flagged(state, check), TrustChange.FLAGGED
    if _is_proven_wrong(state, parameters):
        return replace(state, trust=Trust.FRAUD), TrustChange.CONFIRMED
    return state, None


def _flagged(state: TrustState, check: Check) -> TrustState:
    return replace(
        state,
        trust=Trust.FLAGGED,
        score=0,
        lately_degraded=0,
        retests_passed=0,
        retests_failed=0,
        flagged_s=check.due_s,
    )


def _is_proven_wrong(state: TrustState, parameters: SuspicionParameters) -> bool:
    return state.wrong_content >= parameters.wrong_content_flags_at
