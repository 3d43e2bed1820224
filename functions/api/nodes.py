"""Heartbeats: nodes announce themselves, and are told how they stand and what to fix."""

from dataclasses import dataclass
from ipaddress import ip_address

from api.problems import Problem
from api.snapshots import Snapshots
from api.wire import HeartbeatIn, HeartbeatOut
from coordinator.adapters.clock import Clock
from coordinator.adapters.records import Measurements
from coordinator.addresses import AddressRefused, check_addresses, parse_stats_url
from coordinator.money import format_tokens
from coordinator.network import NodeView
from coordinator.nodes import Node, NodeStatus
from coordinator.reasons import Reason
from coordinator.streams import Stream, StreamStatus, status_of

_OFF_THE_ROSTER = frozenset({NodeStatus.OFFLINE, NodeStatus.LEFT})


@dataclass(frozen=True)
class Announcements:
    """Takes in heartbeats. One that tells nothing new reads one document and writes none."""

    measurements: Measurements
    snapshots: Snapshots
    clock: Clock
    ingest_url: str
    allow_private: bool
    heartbeat_seconds: int

    async def take(self, node_id: str, beat: HeartbeatIn, peer: str) -> HeartbeatOut:
        """The answer to a heartbeat that came from the address `peer`."""
        snapshot = await self.snapshots.now()
        stream = snapshot.stream(beat.stream_id)
        if stream is None:
            stream = await self.measurements.stream(beat.stream_id)
        if stream is None:
            raise Problem(
                "unknown-stream",
                f"No stream is called {beat.stream_id}: choose one of GET /streams as STREAM_ID.",
            )
        left = snapshot.balance_micros(stream.stream_id)
        stream_status = status_of(stream, left, self.clock())
        view = snapshot.network.nodes.get(node_id)
        node = await self._written(node_id, beat, peer, view)
        return self._answer(node, stream, stream_status, view)

    async def _written(
        self, node_id: str, beat: HeartbeatIn, peer: str, view: NodeView | None
    ) -> Node:
        """The node's document, written if anything changed or the roster has lost it."""
        now_s = round(self.clock(), 3)
        stats_url, rtmp_host = self._address(beat, peer)
        said = Node(
            node_id=node_id,
            stream_id=beat.stream_id,
            stats_url=stats_url,
            rtmp_host=rtmp_host,
            rtmp_port=beat.rtmp_port,
            agent=beat.agent,
            engine=beat.engine,
            state=beat.state,
            joined_s=now_s,
            changed_s=now_s,
        )
        known = await self.measurements.node(node_id)
        lost = view is not None and view.status in _OFF_THE_ROSTER and beat.state == "running"
        rejoined = lost and known is not None and view is not None
        if rejoined and known is not None and view is not None:
            rejoined = known.changed_s <= view.slot.changed_s
        if known is not None and known.says_the_same_as(said) and not rejoined:
            return known
        if known is not None:
            said = said.model_copy(update={"joined_s": known.joined_s})
        await self.measurements.put_node(said)
        return said

    def _address(self, beat: HeartbeatIn, peer: str) -> tuple[str, str]:
        """(stats URL, RTMP host): as announced, or at the address that the call came from."""
        host = f"[{peer}]" if ":" in peer else peer
        url = beat.stats_url or f"http://{host}:{beat.stats_port}/stats.json"
        try:
            address = parse_stats_url(url)
            if _is_ip(address.host):
                check_addresses([address.host], allow_private=self.allow_private)
        except AddressRefused as refused:
            raise Problem(
                "address-refused",
                f"{url}: {refused}. {refused.reason.fix}",
                reason=refused.reason.value,
            ) from refused
        return url, address.host

    def _answer(
        self, node: Node, stream: Stream, stream_status: StreamStatus, view: NodeView | None
    ) -> HeartbeatOut:
        if node.state == "leaving":
            status, reason = NodeStatus.LEFT, Reason.LEFT
        elif view is None or view.status in _OFF_THE_ROSTER:
            status, reason = NodeStatus.PENDING, Reason.NOT_YET_SWEPT
        else:
            status, reason = view.status, view.reason
        host = f"[{node.rtmp_host}]" if ":" in node.rtmp_host else node.rtmp_host
        return HeartbeatOut(
            node_id=node.node_id,
            stream_id=node.stream_id,
            stream_status=stream_status,
            status=status,
            reason=reason.value,
            says=reason.says,
            fix=reason.fix,
            stats_url=node.stats_url,
            rtmp_url=f"rtmp://{host}:{node.rtmp_port}/live/{node.stream_id}",
            ingest_url=f"{self.ingest_url}/{stream.stream_id}",
            earned=format_tokens(view.account.earned_micros if view else 0),
            next_heartbeat_seconds=self.heartbeat_seconds,
        )


def peer_of(client_host: str, forwarded_for: str | None, trusted_proxies: int) -> str:
    """The caller's address: what the outermost of our own proxies saw.

    Each trusted proxy appends the address it was called from, so with n of them the n-th
    entry from the right was written by one of ours; anything further left is hearsay."""
    if not trusted_proxies or not forwarded_for:
        return client_host
    entries = [entry.strip() for entry in forwarded_for.split(",")]
    return entries[max(0, len(entries) - trusted_proxies)]


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
