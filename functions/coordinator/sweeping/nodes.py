"""A node: where it says it can be reached, and the one status that people are shown."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from coordinator.checking.suspicion import Trust, TrustState
from coordinator.documents.codec import Codec
from coordinator.reasons import Reason
from coordinator.sweeping.polls import SHOWN_OFFLINE_AFTER_MISSES, Outcome, Poll
from coordinator.sweeping.rosters import TURNED_AWAY, Slot


class NodeStatus(StrEnum):
    """What API, dashboard and heartbeat answers call a node."""

    PENDING = "pending"
    HEALTHY = "healthy"
    IDLE = "idle"
    UNHEALTHY = "unhealthy"
    FLAGGED = "flagged"
    SUSPENDED = "suspended"
    FRAUD = "fraud"
    OFFLINE = "offline"
    LEFT = "left"


class Node(BaseModel):
    """The document `nodes/{node_id}`, written by api when what it says has changed.

    The collector adds what its minutes came to, once it has left and its slot is dropped.

    Health and trust are not stored here: they follow from the latest sweep and checks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    node_id: str
    stream_id: str
    stats_url: str
    rtmp_host: str
    rtmp_port: int
    agent: str
    engine: str
    state: Literal["running", "leaving"]
    joined_s: float
    """When it was first heard of. It is kept for good, however often the node leaves and comes."""
    changed_s: float
    signed_s: int = 0
    """When it said so, by what it signed: what it said earlier and comes later changes nothing."""
    minutes_due: int = 0
    """Until `away_tick`: written when its slot is dropped, so that it comes back to its past."""
    minutes_up: int = 0
    away_tick: int | None = None
    left_s: float = 0.0
    """When it last said goodbye or took another stream, and was heard. It is kept when the node
    comes back: its roster is to show every goodbye that spared it a check."""
    calls_from_there: bool = False
    """Whether it called from the very address that it named, when it said so."""

    @property
    def is_gone(self) -> bool:
        """Whether it has said goodbye, and is not back."""
        return self.state == "leaving"

    def has_left(self, stream_id: str) -> bool:
        """Whether it said goodbye to the stream or took another one, and is not back."""
        return self.is_gone or self.stream_id != stream_id

    @property
    def is_heard(self) -> bool:
        """Whether its roster is to show the very goodbye that it said last, and it is not back."""
        return self.left_s == self.changed_s

    @property
    def characters(self) -> int:
        """What it would take of a roster's CHARACTERS_MAX."""
        return sum(map(len, (self.node_id, self.stream_id, self.stats_url)))

    def says_the_same_as(self, other: "Node") -> bool:
        """Whether a heartbeat told nothing new, so that nothing needs to be written."""
        return self.model_dump(exclude=_WHEN) == other.model_dump(exclude=_WHEN)

    def is_later_than(self, other: "Node") -> bool:
        """Whether this was said after the other, as the node itself dates what it says."""
        return self.signed_s > other.signed_s

    def with_past_of(self, known: "Node") -> "Node":
        """The same with what is remembered of the node: nothing that it says can change it.

        Who takes another stream says goodbye to the one that it had. A goodbye soon after another
        is not heard: no roster may have taken that one in yet."""
        past = known.model_dump(include=_PAST)
        leaves = self.has_left(known.stream_id)
        heard = leaves and self.changed_s >= known.left_s + GOODBYE_S
        return self.model_copy(update=past | ({"left_s": self.changed_s} if heard else {}))

    def what_it_says(self) -> str:
        """The same text for nodes that say the same."""
        place = (self.stats_url, self.rtmp_host, self.rtmp_port)
        return repr((self.node_id, self.stream_id, *place, self.agent, self.engine, self.state))


NODES = Codec(Node, "nodes")
GOODBYE_S = 180.0
"""So long a goodbye stands: by then a sweep has taken it in."""
_PAST = {"joined_s", "minutes_due", "minutes_up", "away_tick", "left_s"}
_WHEN = {*_PAST, "changed_s", "signed_s", "calls_from_there"}

_HEALTH_STATUS = {
    Outcome.UP: NodeStatus.HEALTHY,
    Outcome.IDLE: NodeStatus.IDLE,
    Outcome.UNKNOWN: NodeStatus.PENDING,
}


def node_status(
    health: tuple[Outcome, Reason] | None, trust: TrustState, *, gone: Reason | None
) -> tuple[NodeStatus, Reason]:
    """The one status and reason of a node, worst news first.

    `health` is its last sweep outcome (None before the first), `gone` is LEFT or OFFLINE once
    it is no longer polled."""
    if trust.trust is Trust.FRAUD:
        return NodeStatus.FRAUD, Reason.FRAUD
    if gone is not None:
        return (NodeStatus.LEFT if gone is Reason.LEFT else NodeStatus.OFFLINE), gone
    if trust.trust is Trust.FLAGGED:
        return NodeStatus.FLAGGED, Reason.SUSPECTED
    if trust.trust is Trust.SUSPENDED:
        return NodeStatus.SUSPENDED, Reason.SUSPENDED
    if health is None:
        return NodeStatus.PENDING, Reason.NOT_YET_SWEPT
    outcome, reason = health
    status = _HEALTH_STATUS.get(outcome, NodeStatus.UNHEALTHY)
    if status is NodeStatus.HEALTHY and (trust.failure or trust.delisted_s is not None):
        # While many fail at once lists wait for a second run, and so does this word.
        waits = trust.doubted_s is not None and trust.delisted_s is None
        status = NodeStatus.HEALTHY if waits else NodeStatus.UNHEALTHY
        reason = Reason.CHECK_FAILED if trust.failure else Reason.DEGRADED
    elif status is NodeStatus.HEALTHY and trust.trust is Trust.UNPROVEN:
        reason = Reason.UNPROVEN
    return status, reason


def shown_status(slot: Slot, poll: Poll | None, trust: TrustState) -> tuple[NodeStatus, Reason]:
    """What people are shown of the node at a slot; `poll` is its last row, if there is one."""
    gone = Reason(slot.left_reason) if slot.left_reason else None
    answers = poll is not None and poll.outcome is Outcome.INVALID  # its reason says more
    if poll and not answers and poll.misses >= SHOWN_OFFLINE_AFTER_MISSES:
        gone = gone or Reason.OFFLINE
    return node_status((poll.outcome, poll.reason) if poll else None, trust, gone=gone)


def told_status(slot: Slot, poll: Poll | None, trust: TrustState) -> tuple[NodeStatus, Reason]:
    """What the node itself is told when it beats. Its polls hint at the reason, by this too."""
    if slot.left_tick is not None:
        left = Reason(slot.left_reason) if slot.left_reason else Reason.OFFLINE
        return NodeStatus.PENDING, left if left in TURNED_AWAY else Reason.NOT_YET_SWEPT
    status, reason = shown_status(slot, poll, trust)
    if status is NodeStatus.OFFLINE and poll is not None:
        # It beats, so it is there: what keeps polls from it says more than "offline".
        return NodeStatus.UNHEALTHY, poll.reason
    return status, reason
