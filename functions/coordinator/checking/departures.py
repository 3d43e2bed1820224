"""Checks of nodes that said goodbye: what a goodbye explains, and how far such a check voids. Pure.

A node that leaves does nobody wrong. So whoever said goodbye before a draw began is not drawn in
it. Where the goodbye comes later, the check goes on, and fails as `left`: it flags nothing, and
takes nobody off a list. Were it to decide nothing, a goodbye would be a way to escape one's check.
"""

from typing import Any

from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lengths import Length
from coordinator.reasons import Reason

EXPLAINED = frozenset({Reason.UNREACHABLE, Reason.NO_STREAM, Reason.STALLED, Reason.TOO_SLOW})
"""What is found of a node that is going or gone. What it did serve has to be right."""


def may_have_left(check: Check) -> bool:
    """Whether a goodbye could explain what the check found."""
    return check.verdict is Verdict.FAIL and check.reason in EXPLAINED and bool(check.attempts)


def explained(check: Check, left_s: float) -> Check:
    """The check of a node that has been gone since it said goodbye at `left_s`.

    A connection that had failed before then failed of itself."""
    if not may_have_left(check) or left_s > _ended_s(_first_failed(check)):
        return check
    return check.leaving_at(left_s)


def voided_length(check: Check) -> Length:
    """As which length a failed check voids; where the node left, by what it could know of it.

    Before the connection nothing can be known: it voids what a short one does, which is what was
    earned since a check passed. In the connection a node sees how long that lasts. Whoever cuts
    viewers late would else leave in each very long check, and lose an interval for twenty."""
    if check.left_s is None or not check.has_left:
        return check.length
    begins_s = float(_first_failed(check)["started_s"])
    return Length.SHORT if check.left_s <= begins_s else check.length


def _first_failed(check: Check) -> dict[str, Any]:
    failed = (each for each in check.attempts if each.get("verdict") == Verdict.FAIL)
    return next(failed, check.attempts[-1])


def _ended_s(attempt: dict[str, Any]) -> float:
    return float(attempt["started_s"] + attempt["seconds"])
