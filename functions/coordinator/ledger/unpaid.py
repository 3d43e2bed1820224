"""Why minutes are not paid: all reasons there are, and which of a row's is told first."""

from collections.abc import Mapping

from coordinator.ledger.rows import Carried
from coordinator.reasons import Reason

UNPAID_REASONS = (
    Reason.FRAUD,
    Reason.SUSPENDED,
    Reason.SUSPECTED,
    Reason.OWING,
    Reason.VOIDED,
    Reason.AFTER_FAILURE,
    Reason.BALANCE_EXHAUSTED,
    Reason.SAME_ADDRESS,
    Reason.NETWORK_SHARE,
    Reason.BEYOND_MAX_PAID_NODES,
    Reason.LAPSED,
    Reason.BLOCKED,
    Reason.INVALID,
    Reason.STALLED,
    Reason.DOWN,
    Reason.UNKNOWN_ALONE,
    Reason.UNKNOWN_UNMEASURED,
    Reason.BEFORE_FIRST_PASS,
    Reason.LEFT,
    Reason.STREAM_IDLE,
    Reason.AWAITING_CHECK,
)
"""Every reason that a minute can be unpaid for, most telling first."""
_RANK = {reason: rank for rank, reason in enumerate(UNPAID_REASONS)}


def most_telling(unpaid: Mapping[Reason, int], state: Carried) -> Reason:
    """The most telling reason why a minute of a row was not paid."""
    if state.fraud:
        return Reason.FRAUD
    if state.flagged:
        return Reason.SUSPECTED
    if state.absent and not unpaid:
        return Reason.LEFT
    return min(unpaid, key=_RANK.__getitem__, default=Reason.OK)


def in_order(unpaid: Mapping[Reason, int]) -> tuple[tuple[Reason, int], ...]:
    """Minutes by reason as a row keeps them."""
    return tuple((why, count) for why in UNPAID_REASONS if (count := unpaid.get(why, 0)))
