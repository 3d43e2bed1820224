"""The network as people see it: one view per node and stream, joined from a few documents.

Pure. What a view costs is four packed documents whatever the number of nodes: the latest
sweep, its roster, the trust book and the accounts.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from coordinator.accounts import Account, Accounts
from coordinator.nodes import NodeStatus, status_of
from coordinator.reasons import Reason
from coordinator.rosters import Roster, Slot
from coordinator.suspicion import Trust, TrustState
from coordinator.sweeps import SHOWN_OFFLINE_AFTER_MISSES, Poll, Sweep
from coordinator.trustbook import TrustBook


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node with everything that is known of it."""

    slot: Slot
    status: NodeStatus
    reason: Reason
    poll: Poll | None
    trust: TrustState
    account: Account

    @property
    def node_id(self) -> str:
        """The node's id."""
        return self.slot.node_id

    @property
    def is_verified(self) -> bool:
        """Whether viewers may be sent to it: up now, and the last checks passed."""
        return self.status is NodeStatus.HEALTHY and self.trust.trust is Trust.PROVEN

    @property
    def rtmp_url(self) -> str:
        """Where it serves the stream."""
        host = f"[{self.slot.rtmp_host}]" if ":" in self.slot.rtmp_host else self.slot.rtmp_host
        return f"rtmp://{host}:{self.slot.rtmp_port}/live/{self.slot.stream_id}"

    @property
    def uptime(self) -> float | None:
        """Measured share of minutes up since it joined, 0 to 1.

        None while no check has held the node to its word, and for good once one proved it false:
        what sweeps alone have seen is a claim."""
        proven = self.trust.last_pass_s is not None and self.trust.trust is not Trust.FRAUD
        if not proven or self.poll is None or not self.poll.minutes_due:
            return None
        return self.poll.minutes_up / self.poll.minutes_due


@dataclass(frozen=True, slots=True)
class Network:
    """All nodes at one instant, by node id."""

    nodes: Mapping[str, NodeView] = field(default_factory=dict)
    swept_s: float | None = None
    """Start of the latest sweep's tick."""
    _by_stream: dict[str, tuple[NodeView, ...]] = field(default_factory=dict, compare=False)
    """Filled on the first question; asked by every heartbeat, of ten thousand nodes."""

    def of_stream(self, stream_id: str) -> Sequence[NodeView]:
        """The stream's nodes, best first: verified, then longest up, then by id."""
        if not self._by_stream and self.nodes:
            found: dict[str, list[NodeView]] = {}
            for node in sorted(self.nodes.values(), key=_best_first):
                found.setdefault(node.slot.stream_id, []).append(node)
            self._by_stream.update({name: tuple(nodes) for name, nodes in found.items()})
        return self._by_stream.get(stream_id, ())

    def verified(self, stream_id: str) -> Sequence[NodeView]:
        """The stream's nodes that viewers may be sent to, best first."""
        nodes = self.of_stream(stream_id)
        count = bisect_left(nodes, True, key=lambda node: not node.is_verified)
        return nodes[:count]


def network_of(
    rosters: Iterable[Roster],
    sweeps: Iterable[Sweep],
    book: TrustBook,
    accounts: Accounts,
    sweep_seconds: int,
) -> Network:
    """Joins the documents: each sweep with the roster that it names.

    A node that changed its stream, or its shard when the shards were divided anew, is shown
    at its newest slot."""
    swept = {(sweep.shard, sweep.roster_version): sweep for sweep in sweeps}
    pairs = [(roster, swept.get((roster.shard, roster.version))) for roster in rosters]
    pairs.sort(key=lambda pair: pair[1].tick if pair[1] else 0)
    nodes: dict[str, NodeView] = {}
    for roster, sweep in pairs:
        for at, slot in enumerate(roster.slots):
            poll = sweep.polls.get(at) if sweep else None
            nodes[slot.node_id] = _view_of(slot, poll, book, accounts)
    swept_s = max((s.tick * sweep_seconds for s in swept.values()), default=None)
    return Network(nodes, swept_s)


def _view_of(slot: Slot, poll: Poll | None, book: TrustBook, accounts: Accounts) -> NodeView:
    trust = book.of(slot.node_id)
    gone = Reason(slot.left_reason) if slot.left_reason else None
    if poll and poll.misses >= SHOWN_OFFLINE_AFTER_MISSES:
        gone = gone or Reason.OFFLINE
    health = (poll.outcome, poll.reason) if poll else None
    status, reason = status_of(health, trust, gone=gone)
    account = accounts.nodes.get(slot.node_id, Account())
    return NodeView(slot, status, reason, poll, trust, account)


def _best_first(node: NodeView) -> tuple[bool, int, int, str]:
    minutes_up = node.poll.minutes_up if node.poll else 0
    viewers = node.poll.viewers if node.poll else 0
    return (not node.is_verified, -minutes_up, viewers, node.node_id)
