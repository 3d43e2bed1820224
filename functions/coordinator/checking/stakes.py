"""What a failed check costs its node: what it voids, wherever and whenever that was earned."""

from dataclasses import replace

from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.checking.lengths import Length
from coordinator.checking.suspicion import TrustState

VOIDS_AT_LEAST_S = {Length.SHORT: 0, Length.LONG: 3_600, Length.VERY_LONG: 18_000}
"""A failed check voids what was earned in so many seconds at least. At four checks an hour these
are 4 and 20 intervals: of so many checks one is as long."""


def voids_from_s(state: TrustState, check: Check) -> int:
    """From when on a failed check voids what a node earned; 0: all of it.

    Shorter checks have paid for what only this one sees. Were they to stay, whoever cuts viewers
    late would lose one interval in twenty, and keep nineteen. Back to the last pass of its length,
    but `VOIDS_AT_LEAST_S` at least: who cuts for an hour after each of those had little to lose."""
    last_s = {
        Length.SHORT: state.passed_short_s,
        Length.LONG: state.passed_long_s,
        Length.VERY_LONG: state.passed_very_long_s,
    }[check.length]
    return min(last_s or 0, max(0, int(check.due_s) - VOIDS_AT_LEAST_S[check.length]))


def marked(check: Check, event: TrustChange | None, before: TrustState) -> Check:
    """The check with what follows from it for its node, whose state it met `before`."""
    if check.verdict is not Verdict.FAIL:
        return replace(check, event=event)
    return replace(check, event=event, voids_from_s=voids_from_s(before, check))
