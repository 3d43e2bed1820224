"""Calling a node back at the address it announced, to tell its operator at once what is wrong.

Never a port scanner: beyond the caller's own address, nothing is told of an address, and its RTMP
port is not touched, unless its /stats.json answers with the caller's own node id.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from coordinator.adapters.clock import Clock
from coordinator.adapters.outbound import Failed, Outbound, OutboundLimits
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, check_port, parse_stats_url
from coordinator.strangers.relay_stats import StatsInvalid, parse_stats

LIMITS = OutboundLimits(resolve_seconds=0.8, connect_seconds=1.2, total_seconds=1.8)
RTMP_SECONDS = 0.8
"""After the stats' 1.8 s, so that an answer takes less than three."""
AT_ONCE_MAX = 64
REMEMBERED_MAX = 20_000
EVERY_SECONDS = 10.0
"""A node id is called back at most so often."""
PEER_EVERY_SECONDS = 1.0
"""And an address that calls: node ids cost nothing to make."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What a caller announced, and the address that it called from."""

    node_id: str
    stream_id: str
    stats_url: str
    rtmp_port: int
    peer: str


@dataclass(frozen=True, slots=True)
class Knock:
    """What came of one port."""

    open: bool
    says: str
    reason: Reason = Reason.OK


@dataclass(frozen=True, slots=True)
class DialedBack:
    """What came of both, at one address."""

    address: str
    stats: Knock
    rtmp: Knock

    @property
    def wrong(self) -> Knock | None:
        """The first thing to fix; None if nothing is."""
        return next((knock for knock in (self.stats, self.rtmp) if not knock.open), None)


@dataclass
class Limiter:
    """At most one call in so many seconds for each of a bounded number of names.

    When more names come than it can hold, the oldest is forgotten: that one may call early."""

    clock: Clock
    every_seconds: float
    names_max: int = REMEMBERED_MAX
    _last_s: OrderedDict[str, float] = field(default_factory=OrderedDict)

    def may(self, name: str) -> bool:
        """Whether it may now; counts if so."""
        now_s = self.clock()
        if now_s - self._last_s.get(name, float("-inf")) < self.every_seconds:
            return False
        self._last_s[name] = now_s
        self._last_s.move_to_end(name)
        while len(self._last_s) > self.names_max:
            self._last_s.popitem(last=False)
        return True


class DialBack:
    """Calls nodes back, each seldom, few at once, within three seconds."""

    def __init__(self, outbound: Outbound, clock: Clock) -> None:
        """`outbound` should be built with LIMITS of this module."""
        self._outbound = outbound
        self._nodes = Limiter(clock, EVERY_SECONDS)
        self._peers = Limiter(clock, PEER_EVERY_SECONDS)
        self._places = asyncio.Semaphore(AT_ONCE_MAX)

    async def dial(self, announced: Announced) -> DialedBack | None:
        """What is reachable of it; None when it was called back too lately, or we are too busy."""
        if self._places.locked() or not self._nodes.may(announced.node_id):
            return None
        if not self._peers.may(announced.peer):
            return None
        async with self._places:
            return await self._dial(announced)

    async def _dial(self, announced: Announced) -> DialedBack:
        try:
            stats = parse_stats_url(announced.stats_url)
            check_port(announced.rtmp_port)
            address = await self._outbound.resolve(stats.host)
        except AddressRefused as refused:
            knock = Knock(False, f"{refused.detail}. {refused.reason.fix}", refused.reason)
            return DialedBack(announced.peer, knock, _UNTRIED)
        reason = await self._ask_stats(announced, address)
        if reason is not Reason.OK and address != announced.peer:
            says = f"{announced.stats_url} does not answer as this node: {Reason.WRONG_NODE.fix}"
            return DialedBack(address, Knock(False, says, Reason.WRONG_NODE), _UNTRIED)
        says = _says(reason, stats.port, address, announced.stats_url)
        knock = Knock(reason is Reason.OK, says, reason)
        return DialedBack(address, knock, await self._knock(address, announced.rtmp_port))

    async def _ask_stats(self, announced: Announced, address: str) -> Reason:
        """OK if the stats at this address answer as the caller's."""
        found = await self._outbound.get(parse_stats_url(announced.stats_url), at=address)
        if isinstance(found, Failed):
            return found.reason
        try:
            stats = parse_stats(found.body, announced.stream_id)
        except StatsInvalid:
            return Reason.STATS_INVALID
        # rtmp_relay's own stats hold no id: good enough at the caller's own address only.
        nameless = stats.node_id is None and address == announced.peer
        is_it = nameless or stats.node_id == announced.node_id
        return Reason.OK if is_it else Reason.WRONG_NODE

    async def _knock(self, address: str, port: int) -> Knock:
        try:
            async with asyncio.timeout(RTMP_SECONDS):
                _, writer = await asyncio.open_connection(address, port)
        except OSError:  # TimeoutError is one
            says = f"Port {port} of {address} is closed: forward it."
            return Knock(False, says, Reason.UNREACHABLE)
        writer.transport.abort()
        return Knock(True, f"Port {port} of {address} is open.")


_UNTRIED = Knock(False, "Not tried, because the stats do not answer as this node.")


def _says(reason: Reason, port: int, address: str, url: str) -> str:
    if reason is Reason.OK:
        return f"{url} answers as this node."
    if reason is Reason.CONNECT_FAILED:
        return f"Port {port} of {address} is closed: forward it."
    return f"{url}: {reason.says} {reason.fix}"
