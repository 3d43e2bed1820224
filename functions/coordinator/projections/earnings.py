"""The operator's first question, answered: does the node earn now, and if not, what to fix."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from coordinator.ledger.rows import Row
from coordinator.projections.network_view import NodeView
from coordinator.reasons import Reason
from coordinator.streams import StreamStatus
from coordinator.sweeping.nodes import NodeStatus

PLACE_REASONS = (Reason.SAME_ADDRESS, Reason.NETWORK_SHARE, Reason.BEYOND_MAX_PAID_NODES)


class Earns(StrEnum):
    """Whether minutes of now can be paid."""

    YES = "yes"
    WAITS = "waits"
    """Nothing is wrong with the node."""
    NO = "no"


@dataclass(frozen=True, slots=True)
class EarningAnswer:
    """A word, why, and what to do."""

    earns: Earns
    title: str
    says: str
    fix: str = ""


_WAITING = (NodeStatus.PENDING, NodeStatus.IDLE)


def answer_of(view: NodeView, stream: StreamStatus | None, last: Iterable[Row]) -> EarningAnswer:
    """`stream` is the status of the stream that it relays, None where that is not known: then it
    is taken for active. `last` are its rows of its last settled epoch."""
    has_failed = view.reason is Reason.CHECK_FAILED
    if not has_failed and view.status not in (NodeStatus.HEALTHY, *_WAITING):
        return EarningAnswer(Earns.NO, "It earns nothing now.", view.says, view.fix)
    if stream in (StreamStatus.EXHAUSTED, StreamStatus.CLOSED) and not view.control:
        return _without_tokens(stream)
    if view.status in _WAITING or view.reason is Reason.UNPROVEN or view.control:
        title = "It is a control: it earns nothing." if view.control else "It earns nothing yet."
        return EarningAnswer(Earns.WAITS, title, view.says, view.fix)
    if has_failed:
        return EarningAnswer(
            Earns.NO, "It earns nothing until a check passes.", view.says, view.fix
        )
    place = _without_place(last)
    if place:
        return EarningAnswer(Earns.NO, "It serves, and others are paid.", place.says, place.fix)
    return EarningAnswer(
        Earns.YES,
        "Yes: it is earning.",
        "Each minute up is paid when the next check after it passes.",
    )


def _without_tokens(stream: StreamStatus) -> EarningAnswer:
    title = "It earns nothing now."
    if stream is StreamStatus.EXHAUSTED:
        says = "The balance of its stream is used up, until the sponsor tops it up."
        return EarningAnswer(Earns.NO, title, says)
    fix = "Restart it with another STREAM_ID, or with STREAM_ID=auto."
    return EarningAnswer(Earns.NO, title, "Its stream has ended.", fix)


def _without_place(rows: Iterable[Row]) -> Reason | None:
    """Why verified minutes of an epoch were not paid at all, if it was for want of a place."""
    for row in rows:
        for reason, _ in row.unpaid:
            if reason in PLACE_REASONS and not row.minutes_paid:
                return reason
    return None
