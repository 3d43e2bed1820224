"""Heartbeats: nodes announce themselves, and are told how they stand and what to fix."""

from dataclasses import dataclass
from ipaddress import ip_address

from api.dialback import EVERY_SECONDS, Announced, DialBack, DialedBack, Knock
from api.problems import Problem
from api.snapshots import Snapshots
from api.wire import DialBackIn, DialBackOut, HeartbeatIn, HeartbeatOut, KnockOut
from coordinator.adapters.clock import Clock
from coordinator.adapters.records import Measurements
from coordinator.addresses import AddressRefused, check_addresses, parse_stats_url
from coordinator.balances import lasts_sentence
from coordinator.epochs import Calendar
from coordinator.leases import Leases, Written
from coordinator.money import format_tokens
from coordinator.network import NodeView
from coordinator.nodes import Node, NodeStatus
from coordinator.reasons import Reason
from coordinator.streams import Stream, StreamStatus, status_of

TAKEN_IN_SECONDS_MAX = 600
"""A node that no roster shows so long after it was written is written again."""


@dataclass(frozen=True)
class Announcements:
    """Takes in heartbeats. One that tells nothing new and echoes its lease reads and writes
    nothing; without a lease it reads one document."""

    measurements: Measurements
    snapshots: Snapshots
    clock: Clock
    ingest_url: str
    allow_private: bool
    heartbeat_seconds: int
    calendar: Calendar
    leases: Leases
    dial_back: DialBack | None = None

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
        said = self._said(node_id, beat, peer)
        written, wrong = await self._written(said, beat.lease, peer, view)
        lasts = snapshot.balance_lasts_seconds(stream, self.clock(), self.calendar)
        answer = self._answer(said, stream, stream_status, view, lasts)
        answer.lease = self.leases.granted(said, written, self.clock())
        if wrong is None:
            return answer
        told = {"reason": wrong.reason.value, "says": wrong.says, "fix": wrong.reason.fix}
        return answer.model_copy(update=told)

    async def call_back(self, node_id: str, asked: DialBackIn, peer: str) -> DialBackOut:
        """What can be reached of a node at what it would announce; seldom for each."""
        beat = HeartbeatIn(
            stream_id=asked.stream_id or "any",
            stats_url=asked.stats_url,
            stats_port=asked.stats_port,
            rtmp_port=asked.rtmp_port,
            agent="",
            engine="",
            lease=None,
        )
        found = await self._dialed(self._said(node_id, beat, peer), peer)
        if found is None:
            raise Problem(
                "too-many-requests", f"Ask again in {EVERY_SECONDS:.0f} seconds.", retry_after=10
            )
        return DialBackOut(
            address=found.address,
            stats=KnockOut(open=found.stats.open, says=found.stats.says),
            rtmp=KnockOut(open=found.rtmp.open, says=found.rtmp.says),
        )

    def _said(self, node_id: str, beat: HeartbeatIn, peer: str) -> Node:
        now_s = round(self.clock(), 3)
        stats_url, rtmp_host = self._address(beat, peer)
        return Node(
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

    async def _written(
        self, said: Node, lease: str | None, peer: str, view: NodeView | None
    ) -> tuple[Written, Knock | None]:
        """When what was said was written, now if need be; and what is wrong, as far as known.

        A new address is written and called back. A node that the roster lost comes back only
        if it can be reached: one that cannot would be polled in vain for ever."""
        now_s = said.changed_s
        before = self._held(said, lease)
        same = self.leases.held(lease, said, now_s) is not None
        if before is None:
            known = await self.measurements.node(said.node_id)
            before = Written(known.joined_s, known.changed_s) if known else None
            same = known is not None and known.says_the_same_as(said)
        if before is not None and same and not _is_missing(view, before.changed_s, said):
            return before, None
        found = await self._dialed(said, peer) if said.state == "running" else None
        stays_lost = self.dial_back and not (found and found.stats.open)
        if before is not None and same and stays_lost:
            return before, found.wrong if found else None
        written = Written(before.joined_s if before else now_s, now_s)
        await self.measurements.put_node(said.model_copy(update={"joined_s": written.joined_s}))
        return written, found.wrong if found else None

    def _held(self, said: Node, lease: str | None) -> Written | None:
        """By the lease, for what is said or, when a node leaves, for what it said until now."""
        until_now = said.model_copy(update={"state": "running"})
        now_s = self.clock()
        return self.leases.held(lease, said, now_s) or self.leases.held(lease, until_now, now_s)

    async def _dialed(self, said: Node, peer: str) -> DialedBack | None:
        if self.dial_back is None:
            return None
        return await self.dial_back.dial(
            Announced(said.node_id, said.stream_id, said.stats_url, said.rtmp_port, peer)
        )

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
        self,
        node: Node,
        stream: Stream,
        stream_status: StreamStatus,
        view: NodeView | None,
        lasts: int | None,
    ) -> HeartbeatOut:
        if node.state == "leaving":
            status, reason = NodeStatus.LEFT, Reason.LEFT
        elif view is None or view.slot.left_tick is not None:
            status, reason = NodeStatus.PENDING, Reason.NOT_YET_SWEPT
        elif view.status is NodeStatus.OFFLINE and view.poll is not None:
            # It beats, so it is there: what keeps polls from it says more than "offline".
            status, reason = NodeStatus.UNHEALTHY, view.poll.reason
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
            balance_lasts_seconds=lasts,
            balance_says=lasts_sentence(lasts),
            next_heartbeat_seconds=self.heartbeat_seconds,
            lease="",
        )


def _is_missing(view: NodeView | None, changed_s: float, said: Node) -> bool:
    """Whether a node that said this at `changed_s` ought to be on a roster and is on none."""
    if said.state != "running":
        return False
    if view is None:
        return said.changed_s >= changed_s + TAKEN_IN_SECONDS_MAX
    return view.slot.left_tick is not None and view.slot.changed_s >= changed_s


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
