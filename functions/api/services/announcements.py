"""Heartbeats: nodes announce themselves, and are told how they stand and what to fix."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from api import __version__
from api.http.node_signature import SentNode
from api.http.problems import Problem, ProblemKind
from api.services.announced_bounds import AnnouncedBounds
from api.services.announced_places import announced_place
from api.services.arrivals import Arrivals
from api.services.dial_back import (
    ANY_STREAM,
    EVERY_SECONDS,
    DialBack,
    DialedBack,
    DialTarget,
    PortResult,
)
from api.services.precedence import ELSEWHERE, require_latest, require_signed, runs_elsewhere
from api.services.roster_news import is_missing, stands
from api.services.snapshots import Snapshot, Snapshots
from api.wire.common import timestamp
from api.wire.nodes import DialBackIn, DialBackOut, HeartbeatIn, HeartbeatOut, PortOut
from coordinator.adapters.clock import Clock, steady
from coordinator.adapters.records import Measurements
from coordinator.adapters.scheduling.switch import Switch
from coordinator.epochs import Calendar
from coordinator.ledger.balances import lasts_sentence, stops_paying_in_s
from coordinator.money import format_tokens
from coordinator.projections.money_projection import NO_TOKENS
from coordinator.projections.network_view import NetworkView, NodeView
from coordinator.reasons import Reason
from coordinator.streams import Stream, StreamStatus
from coordinator.sweeping.nodes import Node, NodeStatus, told_status

STEADY_FACTOR = 10
"""So many times rarer a node calls that is well: polls tell more of it than its heartbeats."""


@dataclass(frozen=True)
class Announcements:
    """Takes in heartbeats. One that repeats what the roster shows reads and writes nothing; any
    other reads one document. If there is something new it is read again and written, at once: what
    is remembered of the node must outlive a race."""

    measurements: Measurements
    snapshots: Snapshots
    clock: Clock
    ingest_url: str
    allow_private: bool
    heartbeat_seconds: int
    """How often a node calls until it is polled and well."""
    calendar: Calendar
    dial_back: DialBack | None = None
    switch: Switch | None = None
    """Of the jobs that measure; None where they always run."""
    bounds: AnnouncedBounds = field(default_factory=AnnouncedBounds)
    arrivals: Arrivals = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrivals", Arrivals(steady(self.clock)))

    async def take(self, node: SentNode, beat: HeartbeatIn, peer: str) -> HeartbeatOut:
        """The answer to a heartbeat that came from the address `peer`."""
        require_signed(beat, peer)
        snapshot = await self.snapshots.swept()
        stream = None if beat.doubts_ingest_key else snapshot.stream(beat.stream_id)
        if stream is None:
            stream = await self.measurements.stream(beat.stream_id)
        if stream is None:
            raise Problem(
                ProblemKind.UNKNOWN_STREAM,
                f"No stream is called {beat.stream_id}: choose one of GET /streams as STREAM_ID.",
            )
        said = self._said(node, beat, peer)
        is_new, wrong = False, None
        if not (beat.repeats and stands(snapshot.network.nodes.get(node.node_id), said)):
            # A goodbye is short and cannot come again: it never waits.
            async with self.arrivals.place() if said.state == "running" else nullcontext():
                is_new, wrong = await self._taken_in(said, peer, snapshot.network)
        answer = self._answer(said, stream, snapshot)
        if self.switch is not None:
            comes = is_new and said.state == "running"
            is_measured = comes and answer.stream_status is not StreamStatus.CLOSED
            await (self.switch.wake() if is_measured else self.switch.retry())
        if wrong is None:
            return answer
        news = {"reason": wrong.reason.value, "says": wrong.says, "fix": wrong.reason.fix}
        return answer.model_copy(update=news)

    async def call_back(self, node_id: str, asked: DialBackIn, peer: str) -> DialBackOut:
        """What can be reached of a node at what it would announce; seldom for each."""
        beat = HeartbeatIn(
            stream_id=asked.stream_id or ANY_STREAM,
            stats_url=asked.stats_url,
            stats_port=asked.stats_port,
            rtmp_port=asked.rtmp_port,
            agent="",
            engine="",
            address=peer,
        )
        said = self._said(SentNode(node_id, 0), beat, peer)
        target = _target_of(said, peer)
        found = await self.dial_back.dial(target) if self.dial_back else None
        if found is None:
            wait_s = self.dial_back.wait_s(target) if self.dial_back else round(EVERY_SECONDS)
            says = f"Ask again in {wait_s} seconds."
            raise Problem(ProblemKind.TOO_MANY_REQUESTS, says, retry_after=wait_s)
        return DialBackOut(
            address=found.address,
            stats=PortOut(open=found.stats.open, says=found.stats.says),
            rtmp=PortOut(open=found.rtmp.open, says=found.rtmp.says),
            newest_agent=__version__,
        )

    def _said(self, node: SentNode, beat: HeartbeatIn, peer: str) -> Node:
        now_s = round(self.clock(), 3)
        stats_url, rtmp_host = announced_place(beat, peer, self.allow_private)
        return Node(
            node_id=node.node_id,
            stream_id=beat.stream_id,
            stats_url=stats_url,
            rtmp_host=rtmp_host,
            rtmp_port=beat.rtmp_port,
            agent=beat.agent,
            engine=beat.engine,
            state=beat.state,
            joined_s=now_s,
            changed_s=now_s,
            signed_s=node.created_s,
            calls_from_there=rtmp_host == peer,
        )

    async def _taken_in(
        self, said: Node, peer: str, network: NetworkView
    ) -> tuple[bool, PortResult | None]:
        """Whether what was said had to be written; and what is wrong, as far as known.

        A new address is written and called back. A node that the roster lost comes back, unless a
        call found lately that it cannot be reached: it would be polled in vain for ever."""
        was = await self.measurements.seen_node(said.node_id)
        known = was.node
        same = known is not None and known.says_the_same_as(said)
        if known is not None and same and not is_missing(network, known.changed_s, said):
            return False, None
        if known is not None:
            require_latest(known, said)
            if runs_elsewhere(network.nodes.get(said.node_id), known, said):
                return False, ELSEWHERE
        now_s = steady(self.clock)()
        if not same:
            self.bounds.require(known, said, peer, now_s)
        told = await self._dialed(said, peer)
        wrong = told.wrong if told else None
        if same:  # who cannot be reached is told that, however often it asks
            if told and not told.stats.open:
                return False, wrong
            self.bounds.require(known, said, peer, now_s)
        await self.measurements.put_node(said, was)
        return True, wrong

    async def _dialed(self, said: Node, peer: str) -> DialedBack | None:
        """What a call back finds now if one is made, or what the last one found lately."""
        if self.dial_back is None or said.state != "running":
            return None
        target = _target_of(said, peer)
        return await self.dial_back.dial(target) or self.dial_back.last(target)

    def _answer(self, node: Node, stream: Stream, snapshot: Snapshot) -> HeartbeatOut:
        now_s, view = node.changed_s, snapshot.network.nodes.get(node.node_id)
        if node.state == "leaving":
            status, reason = NodeStatus.LEFT, Reason.LEFT
        else:
            status, reason = NodeStatus.PENDING, Reason.NOT_YET_SWEPT
            if view is not None:
                status, reason = told_status(view.slot, view.poll, view.trust)
            if view is None or view.slot.left_tick is not None:
                reason = snapshot.network.rooms.refusal(node) or reason
        host = f"[{node.rtmp_host}]" if ":" in node.rtmp_host else node.rtmp_host
        lasts = snapshot.balance_lasts_seconds(stream, now_s, self.calendar)
        ends_s = stops_paying_in_s(snapshot.balances.get(stream.stream_id), stream, now_s)
        told = view if view and view.reason is reason else reason
        return HeartbeatOut(
            node_id=node.node_id,
            stream_id=node.stream_id,
            stream_name=stream.name,
            stream_status=snapshot.status_of(stream, now_s),
            status=status,
            reason=reason.value,
            says=told.says,
            fix=told.fix,
            stats_url=node.stats_url,
            rtmp_url=f"rtmp://{host}:{node.rtmp_port}/live/{node.stream_id}",
            **self._known(view),
            **self._shown(stream, snapshot, lasts),
            next_heartbeat_seconds=self._pace_s(view, reason, min(lasts or 0, ends_s)),
            polled_every_seconds=self.calendar.sweep_seconds,
            newest_agent=__version__,  # they are released together
        )

    def _shown(self, stream: Stream, snapshot: Snapshot, lasts: int | None) -> dict[str, Any]:
        """What the node relays, and how its stream stands."""
        unverified_s = snapshot.unverified_since(stream)
        return {
            "ingest_url": f"{self.ingest_url}/{stream.stream_id}",
            "ingest_public_key": stream.ingest_public_key,
            "balance_lasts_seconds": lasts,
            "balance_says": lasts_sentence(lasts, self.calendar),
            "stream_unverified_since": None if unverified_s is None else timestamp(unverified_s),
        }

    def _known(self, view: NodeView | None) -> dict[str, Any]:
        """What the snapshot holds of its checks and tokens, for the node's own page."""
        account = view.account if view else NO_TOKENS
        checked_s = view.trust.last_check_s if view else None
        release = account.release_epoch
        return {
            "last_check_at": None if checked_s is None else timestamp(checked_s),
            "last_check_reason": view.trust.last_reason if view else None,
            "pending": format_tokens(account.pending_micros),
            "available": format_tokens(account.available_micros),
            "earned": format_tokens(account.earned_micros),
            "next_release_at": timestamp(self.calendar.settled_s(release)) if release else None,
        }

    def _pace_s(self, view: NodeView | None, reason: Reason, pays_s: float) -> int:
        """When to call again: seldom once a node is well, and when its stream stops paying, which
        no poll tells."""
        steady_s, soon_s = STEADY_FACTOR * self.heartbeat_seconds, self.heartbeat_seconds
        is_well = view is not None and view.is_verified and reason is Reason.OK
        return max(soon_s, ceil(min(steady_s, pays_s))) if is_well else soon_s


def _target_of(said: Node, peer: str) -> DialTarget:
    return DialTarget(said.node_id, said.stream_id, said.stats_url, said.rtmp_port, peer)
