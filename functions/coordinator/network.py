"""The network as people see it: one view per node and stream, joined from a few documents.

Pure. What a view costs is four packed documents whatever the number of nodes: the latest
sweep, its roster, the trust book and the accounts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from coordinator.accounts import Account, Accounts
from coordinator.nodes import NodeStatus, status_of
from coordinator.reasons import Reason
from coordinator.rosters import Roster, Slot
from coordinator.suspicion import Trust, TrustState
from coordinator.sweeps import Poll, Sweep
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

    def of_stream(self, stream_id: str) -> list[NodeView]:
        """The stream's nodes, best first: verified, then longest up, then by id."""
        nodes = [node for node in self.nodes.values() if node.slot.stream_id == stream_id]
        return sorted(nodes, key=_best_first)

    def verified(self, stream_id: str) -> list[NodeView]:
        """The stream's nodes that viewers may be sent to, best first."""
        return [node for node in self.of_stream(stream_id) if node.is_verified]


def network_of(
    rosters: Iterable[Roster],
    sweeps: Iterable[Sweep],
    book: TrustBook,
    accounts: Accounts,
    sweep_seconds: int,
) -> Network:
    """Joins the documents. A node that changed streams is shown at its newest slot."""
    by_shard = {sweep.shard: sweep for sweep in sweeps}
    nodes: dict[str, NodeView] = {}
    for roster in rosters:
        sweep = by_shard.get(roster.shard)
        for at, slot in enumerate(roster.slots):
            poll = sweep.polls.get(at) if sweep else None
            trust = book.of(slot.node_id)
            gone = Reason(slot.left_reason) if slot.left_reason else None
            health = (poll.outcome, poll.reason) if poll else None
            status, reason = status_of(health, trust, gone=gone)
            account = accounts.nodes.get(slot.node_id, Account())
            nodes[slot.node_id] = NodeView(slot, status, reason, poll, trust, account)
    swept_s = max((s.tick * sweep_seconds for s in by_shard.values()), default=None)
    return Network(nodes, swept_s)


def _best_first(node: NodeView) -> tuple[bool, int, int, str]:
    minutes_up = node.poll.minutes_up if node.poll else 0
    viewers = node.poll.viewers if node.poll else 0
    return (not node.is_verified, -minutes_up, viewers, node.node_id)
