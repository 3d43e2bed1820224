"""Calling a node back at the address it announced, to tell its operator at once what is wrong.

Never a port scanner: beyond the caller's own address, nothing is told of an address, and its RTMP
port is not touched, unless its /stats.json answers with the caller's own node id.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from api.services.call_back_turns import CallBackTurns
from coordinator.adapters.clock import Clock, steady
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.outbound.replies import Failed, OutboundLimits
from coordinator.adapters.records import Measurements
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, check_port, parse_stats_url
from coordinator.strangers.relay_stats import Media, StatsInvalid, parse_stats
from coordinator.strangers.source_bounds import (
    CALL_BACKS,
    CALLED_BACK,
    Bounds,
    Side,
    source_of,
    target_of,
)

LIMITS = OutboundLimits(resolve_seconds=0.8, connect_seconds=1.2, total_seconds=1.8)
RTMP_SECONDS = 0.8
"""After the stats' 1.8 s, so that an answer takes less than three."""
AT_ONCE_MAX = 64
REMEMBERED_MAX = 4_096
"""Nodes whose last call back is remembered, the latest."""
REMEMBERED_S = 900.0
"""So long it is believed. Many nodes behind one router wait for their turn to be called again."""
ANY_STREAM = "any"
"""Asked for by who has not announced itself yet, and may relay none."""
ANOTHER_RTMP_PORT = (
    "That port belongs to another kind of service: set RTMP_PORT, or PUBLIC_RTMP_PORT behind a "
    "router, to another one, for example 1935."
)
EVERY_SECONDS = CALL_BACKS[Side.NODE].every_s
"""A node id is called back at most so often."""


@dataclass(frozen=True, slots=True)
class DialTarget:
    """What a caller announced, and the address that it called from."""

    node_id: str
    stream_id: str
    stats_url: str
    rtmp_port: int
    peer: str


@dataclass(frozen=True, slots=True)
class PortResult:
    """What came of one port."""

    open: bool
    says: str
    reason: Reason = Reason.OK


@dataclass(frozen=True, slots=True)
class DialedBack:
    """What came of both, at one address."""

    address: str
    stats: PortResult
    rtmp: PortResult

    @property
    def wrong(self) -> PortResult | None:
        """The first thing to fix; None if nothing is."""
        return next((port for port in (self.stats, self.rtmp) if not port.open), None)


class DialBack:
    """Calls nodes back, each seldom, few at once, within three seconds."""

    def __init__(self, guard: Guard, clock: Clock, measurements: Measurements) -> None:
        self._guard, self._client = guard, PollClient(guard, LIMITS)
        self._steady = steady(clock)
        self._turns = CallBackTurns(measurements, clock)
        self._callers, self._called = Bounds(CALL_BACKS), Bounds(CALLED_BACK)
        self._places = asyncio.Semaphore(AT_ONCE_MAX)
        self._last: OrderedDict[str, tuple[DialTarget, DialedBack, float]] = OrderedDict()

    async def dial(self, target: DialTarget) -> DialedBack | None:
        """What is reachable of it; None when it, its source or its target was called too lately, or
        we are too busy."""
        source = source_of(target.peer, target.node_id)
        if self._places.locked() or self._callers.wait_s(source, self._steady())[0]:
            return None
        async with self._places:
            found = await self._dial(target)
        if found is not None:
            self._last.pop(target.node_id, None)
            self._last[target.node_id] = (target, found, self._steady())
            if len(self._last) > REMEMBERED_MAX:
                self._last.popitem(last=False)
        return found

    def last(self, target: DialTarget) -> DialedBack | None:
        """What the last call to just this target found, a while ago at most: calls are seldom, and
        questions are not."""
        called, found, at_s = self._last.get(target.node_id, (None, None, 0.0))
        return found if called == target and self._steady() < at_s + REMEMBERED_S else None

    def wait_s(self, target: DialTarget) -> int:
        """After how long it may be called again, as far as that is known without looking it up."""
        own = target_of(target.peer, target.peer)
        return max(round(EVERY_SECONDS), self._turns.wait_s(own))

    async def _dial(self, target: DialTarget) -> DialedBack | None:
        try:
            stats = parse_stats_url(target.stats_url)
            address = await self._guard.resolve(stats.host, LIMITS)
        except AddressRefused as refused:
            says = f"{refused.detail}. {refused.reason.fix}"
            return DialedBack(target.peer, PortResult(False, says, refused.reason), _UNTRIED)
        sides = target_of(address, target.peer)
        # Its turn first: a network without one takes nothing of what all others have.
        if not await self._turns.take(sides) or self._called.wait_s(sides, self._steady())[0]:
            return None
        reason = await self._ask_stats(target, address)
        if reason is not Reason.OK and address != target.peer:
            says = f"{target.stats_url} does not answer as this node: {Reason.WRONG_NODE.fix}"
            return DialedBack(address, PortResult(False, says, Reason.WRONG_NODE), _UNTRIED)
        says = _says(reason, stats.port, address, target.stats_url)
        port = PortResult(reason is Reason.OK, says, reason)
        return DialedBack(address, port, await self._tried(address, target.rtmp_port))

    async def _ask_stats(self, target: DialTarget, address: str) -> Reason:
        """OK if the stats at this address answer as the caller's."""
        found = await self._client.get(parse_stats_url(target.stats_url), at=address)
        if isinstance(found, Failed):
            return found.reason
        try:
            stats = parse_stats(found.body, target.stream_id)
        except StatsInvalid:
            return Reason.STATS_INVALID
        # rtmp_relay's own stats hold no id: good enough at the caller's own address only.
        nameless = stats.node_id is None and address == target.peer
        is_it = nameless or stats.node_id == target.node_id
        if is_it and stats.media is Media.ABSENT and target.stream_id != ANY_STREAM:
            return Reason.WRONG_STREAM
        return Reason.OK if is_it else Reason.WRONG_NODE

    async def _tried(self, address: str, port: int) -> PortResult:
        """Whether the port takes a connection, which is ended at once."""
        try:
            check_port(port)
        except AddressRefused as refused:
            says = f"rtmp_port: {refused.detail}. {ANOTHER_RTMP_PORT}"
            return PortResult(False, says, refused.reason)
        try:
            async with asyncio.timeout(RTMP_SECONDS):
                _, writer = await asyncio.open_connection(address, port)
        except OSError:  # TimeoutError is one
            says = f"Port {port} of {address} is closed: forward it."
            return PortResult(False, says, Reason.UNREACHABLE)
        writer.transport.abort()
        return PortResult(True, f"Port {port} of {address} is open.")


_UNTRIED = PortResult(False, "Not tried, because the stats do not answer as this node.")


def _says(reason: Reason, port: int, address: str, url: str) -> str:
    if reason is Reason.OK:
        return f"{url} answers as this node."
    if reason is Reason.CONNECT_FAILED:
        return f"Port {port} of {address} is closed: forward it."
    return f"{url}: {reason.says} {reason.fix}"
