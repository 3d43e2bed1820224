"""Which checks are falsified, and what one says that did not fail."""

from dataclasses import replace
from typing import Any

from bench.tampering.forgery import Forgery
from bench.tampering.recording import CAST, MIDNIGHT_S
from coordinator.checking.checks import Check, Verdict
from coordinator.reasons import Reason

STEADY, SHAKY, CONTROL = (CAST[at].node_id for at in (0, 2, -1))
LATE_S = MIDNIGHT_S + 22 * 3_600
"""What fails then adds up to no flag, so that what is done to it has no other traces; and it was
retested."""
_NOTHING: dict[str, Any] = {"voids_from_s": None, "event": None}
PASSED = _NOTHING | {"verdict": Verdict.PASS, "reason": Reason.PASSED}
UNKNOWN = _NOTHING | {"verdict": Verdict.UNKNOWN}
"""With all that follows from it."""


def is_first_failure(check: Check) -> bool:
    """A drawn check that failed, with nothing behind it but its own retests."""
    is_drawn = check.caused_by_s is None and check.due_s > LATE_S
    return check.node_id == SHAKY and check.verdict is Verdict.FAIL and is_drawn


def is_honest_pass(check: Check) -> bool:
    """A check that an honest node passed."""
    return check.node_id == STEADY and check.verdict is Verdict.PASS


async def without_retests(forgery: Forgery) -> None:
    """Removes the checks that the first failure caused."""
    _, failed = await forgery.pick(is_first_failure)
    for run in await forgery.runs():
        kept = tuple(check for check in run.checks if check.caused_by_s != failed.due_s)
        if len(kept) < len(run.checks):
            await forgery.put_run(replace(run, checks=kept))
