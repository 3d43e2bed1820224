"""What waits when nobody can be verified any more: its sponsor has paused, or publishes what no
check can tell from other streams. Pure.

A sponsor sees in public whose minutes wait, and may stop at the moment that suits best. What was
served until then lapses for a check interval at the most, as it does with any other last epoch on
average. So no moment is better than another.
"""

from collections.abc import Iterable

from coordinator.checking.checks import Check, Verdict
from coordinator.checking.last_run import UNDECIDED, UNVERIFIED_SECONDS_MAX
from coordinator.ledger.epoch_minutes import EpochMinutes

LAPSE_SECONDS_MAX = 900
"""A check interval, at four checks an hour."""


def undecided_minutes(checks: Iterable[Check], epoch: EpochMinutes) -> int:
    """The minutes in which it was told that nobody can be verified, because of what is published.

    Of a stream's checks in an epoch. Before it nodes serve in good faith; who stays knows it."""
    found, first_s = 0, None
    for check in sorted(checks, key=lambda check: check.due_s):
        if check.verdict is Verdict.PASS:
            first_s = None
        elif check.reason in UNDECIDED:
            first_s = check.due_s if first_s is None else first_s
            if check.due_s >= first_s + UNVERIFIED_SECONDS_MAX:
                found |= epoch.until(check.due_s) & ~epoch.until(check.due_s - epoch.minute_s)
    return found


def halted_after(halted: int | None, waiting_before: int, waiting: int, trouble: int) -> int | None:
    """How many waiting minutes were served before it was like that; None while it is not.

    `waiting` and `trouble` are minutes of this epoch; the first two came along to it."""
    if halted is not None and waiting_before:
        return min(halted, waiting_before)
    if not waiting_before:  # trouble of before what waits was over then
        trouble &= ~((waiting & -waiting) - 1)
    if not trouble or not (waiting_before or waiting):
        return None
    first = trouble & -trouble
    return waiting_before + (waiting & (first - 1)).bit_count()


def kept(
    halted: int | None, before: tuple[int, int], waiting: int, alone: int, minute_s: int
) -> tuple[int, int]:
    """What of those is paid where the others lapse: how many that came along, and which of now.

    `before`: how many came along, and how many of them were unknown of this node alone; `alone`:
    which of now are. Nobody knows whether those were served: they are not paid."""
    sure = waiting & ~alone
    unsure = before[1] + (waiting & alone).bit_count()
    minutes = max(0, (halted or 0) - LAPSE_SECONDS_MAX // minute_s - unsure)
    then = min(minutes, before[0] - before[1])
    return then, lowest(sure, minutes - then)


def lowest(bits: int, count: int) -> int:
    """The first so many minutes of a bitmap."""
    found = 0
    for _ in range(min(count, bits.bit_count())):
        found |= bits & -bits
        bits &= bits - 1
    return found
