"""The network as people see it: one view per node, of documents that others wrote. Pure.

A view costs a document for each shard and one for the tokens, whatever the number of nodes."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import NamedTuple

from coordinator.checking.checks import Control, IngestState
from coordinator.checking.controls import REASONS
from coordinator.checking.delistings import is_listed
from coordinator.checking.last_run import LastRun
from coordinator.checking.suspicion import NOBODY, Trust, TrustState
from coordinator.projections.history import NO_HISTORY, NodeHistory
from coordinator.projections.money_projection import NO_TOKENS, Tokens
from coordinator.projections.network_document import NetworkDocument, newest_documents
from coordinator.projections.past_shares import NO_SHARES, PastShares, shares_of
from coordinator.projections.roster_rooms import RosterRooms
from coordinator.reasons import Reason
from coordinator.sweeping.nodes import NodeStatus, shown_status
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Slot
from coordinator.sweeping.tenures import minutes_until

LISTED_MIN = 3
"""So many nodes a list names, if there are so many: a fault of ours must not empty it."""
_WORSE = (Trust.PROVEN, Trust.UNPROVEN, Trust.FLAGGED, Trust.SUSPENDED)
"""Who stands in for verified nodes, the best first."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node with everything that is known of it."""

    slot: Slot
    status: NodeStatus
    reason: Reason
    poll: Poll | None
    trust: TrustState
    account: Tokens
    history: NodeHistory = NO_HISTORY
    until_hour: int = 0
    """The first hour, counted from 1970, that the history does not know."""
    thumbnail: str | None = None
    """Names the picture that belongs to its last check."""
    control: Control | None = None
    """What it is known to be, if it is one of the network's own control nodes."""
    minutes_due: int = 0
    """Since it first joined: minutes away are among them, also while it is away."""
    minutes_up: int = 0
    shares: PastShares = NO_SHARES

    @property
    def node_id(self) -> str:
        """The node's id."""
        return self.slot.node_id

    @property
    def says(self) -> str:
        """The reason in words, and what the last check found if that is the reason."""
        failure = self._failure
        return f"{self.reason.says} {failure.says}" if failure else self.reason.says

    @property
    def fix(self) -> str:
        """What to do about it; may be empty."""
        return (self._failure or self.reason).fix

    @property
    def _failure(self) -> Reason | None:
        return self.trust.failure if self.reason is Reason.CHECK_FAILED else None

    @property
    def is_verified(self) -> bool:
        """Whether viewers may be sent to it: up now, and the last checks passed."""
        return self.status is NodeStatus.HEALTHY and is_listed(self.trust)

    @property
    def may_stand_in(self) -> bool:
        """Whether a list that would be short names it all the same: up now, and it has served.

        Absence is what our own fault looks like. Content proven wrong is never shown to viewers."""
        served = self.trust.last_pass_s is not None and not self.trust.wrong_content
        is_up = self.poll is not None and self.poll.outcome is Outcome.UP
        stays = self.status not in (NodeStatus.FRAUD, NodeStatus.LEFT, NodeStatus.OFFLINE)
        return served and is_up and stays and self.control is None

    @property
    def rtmp_url(self) -> str:
        """Where it serves the stream."""
        host = f"[{self.slot.rtmp_host}]" if ":" in self.slot.rtmp_host else self.slot.rtmp_host
        return f"rtmp://{host}:{self.slot.rtmp_port}/live/{self.slot.stream_id}"

    @property
    def uptime(self) -> float | None:
        """Measured share of minutes up since it first joined, absences included, 0 to 1.

        None while no check has held the node to its word, and for good once one proved it false:
        what sweeps alone have seen is a claim."""
        is_shown = self._is_proven and self.minutes_due
        return self.minutes_up / self.minutes_due if is_shown else None

    @property
    def uptimes(self) -> PastShares:
        """The same of the last day and of the last month."""
        return self.shares if self._is_proven else NO_SHARES

    @property
    def _is_proven(self) -> bool:
        return self.trust.last_pass_s is not None and self.trust.trust is not Trust.FRAUD


@dataclass(frozen=True, slots=True)
class NetworkView:
    """All nodes at one instant, by node id."""

    nodes: Mapping[str, NodeView] = field(default_factory=dict)
    swept_s: float | None = None
    """Start of the latest sweep's tick."""
    documents: Sequence[NetworkDocument] = ()
    """What it was made of, by shard."""
    is_whole: bool = True
    """Whether every shard's document was there: if not, a node that is absent may be on another."""
    rooms: RosterRooms = field(default_factory=RosterRooms, compare=False)
    _by_stream: dict[str, "_OfStream"] = field(default_factory=dict, compare=False)
    """Filled on the first question; asked by every heartbeat, of ten thousand nodes."""

    def with_tokens(self, tokens: Mapping[str, Tokens]) -> "NetworkView":
        """The same, with what its nodes have."""
        paid = {
            node_id: replace(self.nodes[node_id], account=account)
            for node_id, account in tokens.items()
            if node_id in self.nodes
        }
        return replace(self, nodes={**self.nodes, **paid}, _by_stream={})

    @property
    def prober(self) -> LastRun:
        """The last run of the prober that any document has."""
        runs = (document.prober for document in self.documents)
        return max(runs, key=attrgetter("draw"), default=LastRun())

    def of_stream(self, stream_id: str) -> Sequence[NodeView]:
        """The stream's nodes, best first."""
        return self._of(stream_id).nodes

    def verified(self, stream_id: str) -> Sequence[NodeView]:
        """The stream's nodes that viewers may be sent to, best first."""
        return self._of(stream_id).verified

    def _of(self, stream_id: str) -> "_OfStream":
        if not self._by_stream and self.nodes:
            found: dict[str, list[NodeView]] = {}
            for node in sorted(self.nodes.values(), key=best_first):
                found.setdefault(node.slot.stream_id, []).append(node)
            self._by_stream.update({name: _best_of(nodes) for name, nodes in found.items()})
        return self._by_stream.get(stream_id, _NOBODY_THERE)

    def listed(self, stream_id: str) -> Sequence[NodeView]:
        """Whom lists name: the verified ones. While the ingest is live at least LISTED_MIN, the
        best of those that served before among them, if there are so many.

        Whoever is not verified is to be marked as unproven."""
        verified = self.verified(stream_id)
        lacks = LISTED_MIN - len(verified)
        if lacks <= 0 or self.prober.streams.get(stream_id) is not IngestState.LIVE:
            return verified
        others = [node for node in self.of_stream(stream_id)[len(verified) :] if node.may_stand_in]
        others.sort(key=lambda node: _WORSE.index(node.trust.trust))
        return (*verified, *others[:lacks])

    def with_trust(self, states: Mapping[str, TrustState]) -> "NetworkView":
        """The same, with what newer checks have made of some nodes."""
        newer: dict[str, NodeView] = {}
        for node_id, state in states.items():
            node = self.nodes.get(node_id)
            if node and (state.last_check_s or 0.0) > (node.trust.last_check_s or 0.0):
                status, reason = shown_status(node.slot, node.poll, state)
                newer[node_id] = replace(node, trust=state, status=status, reason=reason)
        if not newer:
            return self
        return replace(self, nodes={**self.nodes, **newer}, _by_stream={})


class _OfStream(NamedTuple):
    """A stream's nodes, and those of them that viewers may be sent to; best first."""

    nodes: tuple[NodeView, ...] = ()
    verified: tuple[NodeView, ...] = ()


_NOBODY_THERE = _OfStream()


def _best_of(nodes: Sequence[NodeView]) -> _OfStream:
    """Of nodes that stand best first: the verified ones come before all others."""
    count = bisect_left(nodes, True, key=lambda node: not node.is_verified)
    return _OfStream(tuple(nodes), tuple(nodes[:count]))


def network_of(
    found: Iterable[NetworkDocument], tokens: Mapping[str, Tokens], sweep_seconds: int
) -> NetworkView:
    """All documents as one, without those that are left from before SHARDS was changed.

    A node that changed its stream is shown at its newest slot."""
    documents = newest_documents(found)
    nodes: dict[str, NodeView] = {}
    for document in documents:
        for at, slot in enumerate(document.slots):
            nodes[slot.node_id] = _view_of(slot, document.polls.get(at), document, tokens)
    swept_s = max(
        (document.tick * sweep_seconds for document in documents if document.tick), default=None
    )
    is_whole = bool(documents) and len(documents) == documents[0].shard.count
    return NetworkView(nodes, swept_s, documents, is_whole, RosterRooms(documents))


def _view_of(
    slot: Slot, poll: Poll | None, document: NetworkDocument, tokens: Mapping[str, Tokens]
) -> NodeView:
    node_id = slot.node_id
    trust = document.trust.get(node_id, NOBODY)
    status, reason = shown_status(slot, poll, trust)
    control = document.prober.controls.get(node_id)
    if control and status is NodeStatus.HEALTHY:
        reason = REASONS[control]
    history = document.history.nodes.get(node_id, NO_HISTORY)
    return NodeView(
        slot,
        status,
        reason,
        poll,
        trust,
        tokens.get(node_id, NO_TOKENS),
        history,
        document.history.until_hour,
        document.thumbnails.get(node_id),
        control,
        *minutes_until(document.tick, slot, poll),
        shares_of(history, document.history.until_hour),
    )


def best_first(node: NodeView) -> tuple[bool, int, int, str]:
    """Sorts nodes as playlists do: verified, then longest up, then fewest viewers, then by id."""
    viewers = node.poll.viewers if node.poll else 0
    return (not node.is_verified, -node.minutes_up, viewers, node.node_id)
