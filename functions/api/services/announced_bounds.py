"""How much of what nodes announce is taken in: by key, by address and by network."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from api.http.problems import Problem, ProblemKind
from coordinator.strangers.source_bounds import (
    ELSEWHERE,
    NEW_KEYS,
    SLOTS,
    WRITES,
    Bounds,
    Side,
    source_of,
)
from coordinator.sweeping.nodes import Node

_WHOSE = {
    Side.NODE: "this node",
    Side.ADDRESS: "your address",
    Side.NETWORK: "your network",
}
_NEW_KEY = (
    "Too many new nodes from {whose}: the next may come in {wait_s} s. "
    "A node that keeps its /data stays the same node."
)
_SLOT = (
    "Too many starts and changes of stream by {whose}: the next may come in {wait_s} s. "
    "Leave the node running, and look in its log for why it starts anew."
)
_ELSEWHERE = (
    "Too many nodes of {whose} that serve at another address: the next may come in {wait_s} s. "
    "Leave PUBLIC_STATS_URL out where a node serves at the address that it calls from."
)
_WRITE = "Too many changes by {whose}: the next may come in {wait_s} s."


@dataclass(frozen=True)
class AnnouncedBounds:
    """Counts what is about to be written."""

    new_keys: Bounds = field(default_factory=lambda: Bounds(NEW_KEYS))
    slots: Bounds = field(default_factory=lambda: Bounds(SLOTS))
    elsewhere: Bounds = field(default_factory=lambda: Bounds(ELSEWHERE))
    writes: Bounds = field(default_factory=lambda: Bounds(WRITES))

    def require(self, known: Node | None, said: Node, peer: str, now_s: float) -> None:
        """A problem if the node, or who shares its address or its network, announced too much.

        A goodbye is never refused: there is one for each time that a node came."""
        if said.state != "running":
            return
        source = source_of(peer, said.node_id)
        makes_slot = known is None or _makes_slot(known, said)
        if not said.calls_from_there and (makes_slot or _moves(known, said)):
            _require(self.elsewhere, source, now_s, _ELSEWHERE)
        if known is None:
            _require(self.new_keys, source, now_s, _NEW_KEY)
        if makes_slot:
            _require(self.slots, source, now_s, _SLOT)
        else:
            _require(self.writes, source, now_s, _WRITE)


def _makes_slot(known: Node, said: Node) -> bool:
    """Whether it comes back or changes its stream; or says once more what it said, which is only
    taken in of a node that stands on no roster."""
    is_back = (known.stream_id, known.state) != (said.stream_id, said.state)
    return is_back or known.says_the_same_as(said)


def _moves(known: Node | None, said: Node) -> bool:
    return known is None or known.rtmp_host != said.rtmp_host


def _require(bounds: Bounds, source: Mapping[Side, str], now_s: float, says: str) -> None:
    wait_s, side = bounds.wait_s(source, now_s)
    if side is not None:
        whose = f"{_WHOSE[side]} ({source[side]})"
        told = says.format(whose=whose, wait_s=wait_s)
        raise Problem(ProblemKind.TOO_MANY_REQUESTS, told, retry_after=wait_s)
