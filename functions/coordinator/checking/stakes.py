"""What a node has to lose, and what a failed check costs it, wherever and whenever that was earned.

A key costs nothing. Whoever has a new one, or one that has rested, loses nothing by a failure: so
what only one check of twenty sees would be worth trying for a while, again and again. So the
less a node has to lose, the more of its checks are very long (`Lottery.length`): of who would lose
n intervals by one that fails, one check of n + 1. The n others win an interval each, and that one
loses as many.
"""

from dataclasses import replace

from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.checking.credit import owed_after
from coordinator.checking.departures import voided_length
from coordinator.checking.lengths import Length
from coordinator.checking.lottery import NEWCOMER_S, STAKE_MAX
from coordinator.checking.suspicion import TrustState

VOIDS_AT_LEAST_S = {Length.SHORT: 0, Length.LONG: 0, Length.VERY_LONG: 18_000}
"""A failed check voids what was earned in so many seconds at least. At four checks an hour these
are 20 intervals: of so many checks one is very long. It sees all that a long one sees."""
WATCHED_VOIDS_AT_LEAST_S = 3_600
"""Likewise beside a neighbour that keeps its word. There every check is very long, so none pays for
what only some of them see. An hour is what a rival has to lose at least who served for as long."""
FLAG_VOIDS_S = 36_000
"""A flag that degraded checks raise voids what was earned in so many seconds. At four checks an
hour these are the 40 checks whose share of degraded ones is tested."""
SLOT_S = 400
"""Passes are counted by slots of so many seconds, so that many in a row are no more than one."""
SLOTS = VOIDS_AT_LEAST_S[Length.VERY_LONG] // SLOT_S


def voids_from_s(state: TrustState, check: Check) -> int:
    """From when on a failed check voids what a node earned; 0: all of it.

    Shorter checks have paid for what only this one sees. Were they to stay, whoever cuts viewers
    late would lose one interval in twenty, and keep nineteen. Back to the last pass of its length,
    but `VOIDS_AT_LEAST_S` at least: who cuts for an hour after each of those had little to lose."""
    length = voided_length(check)
    last_s = {
        Length.SHORT: state.passed_short_s,
        Length.LONG: state.passed_long_s,
        Length.VERY_LONG: state.passed_very_long_s,
    }[length]
    return min(last_s or 0, max(0, int(check.due_s) - _voids_at_least_s(check, length)))


def _voids_at_least_s(check: Check, length: Length) -> int:
    seconds = VOIDS_AT_LEAST_S[length]
    return min(seconds, WATCHED_VOIDS_AT_LEAST_S) if check.is_watched else seconds


def marked(check: Check, event: TrustChange | None, before: TrustState, after: TrustState) -> Check:
    """The check with what follows from it for its node, whose states these are."""
    since_s = [voids_from_s(before, check)] if check.is_failed_for_pay else []
    if event is TrustChange.FLAGGED and check.verdict is Verdict.DEGRADED:
        since_s.append(max(0, int(check.due_s) - FLAG_VOIDS_S))
    voids_s = min(since_s, default=None)
    return replace(check, event=event, voids_from_s=voids_s, owes=owed_after(check, after.credit))


def stake_of(state: TrustState, at_s: float) -> int:
    """How many intervals a very long failure would void, as far as checks can tell: the slots in
    which the node passed a check that pays."""
    gone = max(0, int(at_s) // SLOT_S - state.stake_slot)
    return min(STAKE_MAX, (state.stake_bits << gone & (1 << SLOTS) - 1).bit_count())


def staked_after(state: TrustState, check: Check) -> TrustState:
    """The state with what a check adds to the stake; one that fails, or was cut, takes all of it.

    A newcomer's passes come often, and pay little: they do not count."""
    if not check.verdict.counts:
        return state
    until_s = int(check.due_s) + NEWCOMER_S if state.new_until_s is None else state.new_until_s
    is_new = check.due_s < until_s
    state = replace(state, new_until_s=until_s if is_new else 0)
    if check.is_failed_for_pay:
        return replace(state, stake_bits=0)
    if is_new or not check.may_pay:
        return state
    slot = int(check.due_s) // SLOT_S
    newest = max(slot, state.stake_slot)  # a very long check is on record after later ones
    bits = state.stake_bits << newest - state.stake_slot | 1 << newest - slot
    return replace(state, stake_slot=newest, stake_bits=bits & (1 << SLOTS) - 1)
