"""Ten thousand nodes on pages of a few: searched, filtered and sorted here and not in a browser."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from coordinator.projections.network_view import NetworkView, NodeView, best_first
from coordinator.sweeping.nodes import NodeStatus

NODES_A_PAGE = 25
SEARCH_CHARACTERS_MAX = 100


def _by_uptime(node: NodeView) -> tuple[float, str]:
    return -1.0 if node.uptime is None else node.uptime, node.node_id


def _by_last_check(node: NodeView) -> tuple[float, str]:
    return node.trust.last_check_s or 0.0, node.node_id


def _by_viewers(node: NodeView) -> tuple[int, str]:
    return node.poll.viewers if node.poll else 0, node.node_id


def _by_tokens(node: NodeView) -> tuple[int, str]:
    return node.account.earned_micros, node.node_id


def _by_status(node: NodeView) -> tuple[int, str, str]:
    return _SEVERITY[node.status], node.reason.value, node.node_id


def _by_id(node: NodeView) -> str:
    return node.node_id


_SEVERITY = {
    status: rank
    for rank, status in enumerate(
        (
            NodeStatus.FRAUD,
            NodeStatus.SUSPENDED,
            NodeStatus.FLAGGED,
            NodeStatus.UNHEALTHY,
            NodeStatus.OFFLINE,
            NodeStatus.PENDING,
            NodeStatus.IDLE,
            NodeStatus.LEFT,
            NodeStatus.HEALTHY,
        )
    )
}
_KEYS: Mapping[str, tuple[Callable[[NodeView], Any], bool]] = {
    "node": (_by_id, False),
    "status": (_by_status, False),
    "uptime": (_by_uptime, True),
    "check": (_by_last_check, True),
    "viewers": (_by_viewers, True),
    "tokens": (_by_tokens, True),
}
"""By the name of a column: what it is sorted by, and whether the largest comes first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asked for, by the names of the parameters; nonsense asks for nothing."""

    q: str = ""
    """Words that must all occur."""
    status: str = ""
    stream: str = ""
    sort: str = ""
    """A column; with `-` before it the other way round. Empty: best first, as in playlists."""
    page: int = 1
    streams: int = 1
    """The page of streams."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Asked":
        """From a query string."""
        status, sort = query.get("status", ""), query.get("sort", "")
        return cls(
            q=query.get("q", "").strip()[:SEARCH_CHARACTERS_MAX],
            status=status if status in set(NodeStatus) else "",
            stream=query.get("stream", "")[:SEARCH_CHARACTERS_MAX],
            sort=sort if sort.removeprefix("-") in _KEYS else "",
            page=_number(query.get("page", "")),
            streams=_number(query.get("streams", "")),
        )

    def link(self, **changed: str | int) -> str:
        """The same page with something else asked; a new search begins on its first page."""
        asked = replace(self, **({"page": 1} | changed))  # type: ignore[arg-type]  # by name
        values = {name: getattr(asked, name) for name in self.__slots__}
        told = {name: value for name, value in values.items() if value != getattr(_NOTHING, name)}
        return f"/?{urlencode(told)}" if told else "/"

    def sorted_by(self, column: str) -> str:
        """The `sort` of the link at a column's head: the other way round if it is in use."""
        return f"-{column}" if self.sort == column else column

    def direction_of(self, column: str) -> str:
        """What `aria-sort` says of a column; empty if it is not sorted by."""
        if self.sort.removeprefix("-") != column:
            return ""
        return "descending" if _KEYS[column][1] != self.sort.startswith("-") else "ascending"


_NOTHING = Asked()


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of what was asked for."""

    nodes: Sequence[NodeView]
    count: int
    """On all pages."""
    page: int
    pages: int
    first: int
    """The number of the first node on the page, counted from 1; 0 if there is none."""


_Entry = tuple[NodeView, str]
"""A node, and what a search looks at."""


@dataclass
class NodeList:
    """The nodes of one snapshot; orders and texts are made once, whoever asks for them."""

    network: NetworkView
    stream_names: Mapping[str, str]
    _orders: dict[str, list[_Entry]] = field(default_factory=dict)

    @cached_property
    def counts(self) -> Counter[NodeStatus]:
        """Nodes by status."""
        return Counter(node.status for node in self.network.nodes.values())

    def page(self, asked: Asked) -> Listed:
        """The page that was asked for, or the last one if there are fewer."""
        found = self._found(asked)
        pages = max(1, -(-len(found) // NODES_A_PAGE))
        page = min(asked.page, pages)
        begin = (page - 1) * NODES_A_PAGE
        shown = [node for node, _ in found[begin : begin + NODES_A_PAGE]]
        return Listed(shown, len(found), page, pages, begin + 1 if shown else 0)

    def _found(self, asked: Asked) -> list[_Entry]:
        found = self._ordered(asked.sort)
        if asked.status:
            found = [entry for entry in found if entry[0].status == asked.status]
        if asked.stream:
            found = [entry for entry in found if entry[0].slot.stream_id == asked.stream]
        for word in asked.q.lower().split():
            found = [entry for entry in found if word in entry[1]]
        return found

    def _ordered(self, sort: str) -> list[_Entry]:
        if sort not in self._orders:
            key, largest_first = _KEYS[sort.removeprefix("-")] if sort else (best_first, False)
            turned = largest_first != sort.startswith("-")
            nodes = sorted(self.network.nodes.values(), key=key, reverse=turned)
            self._orders[sort] = [(node, self._texts[node.node_id]) for node in nodes]
        return self._orders[sort]

    @cached_property
    def _texts(self) -> dict[str, str]:
        """What a search looks at, by node id."""
        return {node_id: self._text_of(node) for node_id, node in self.network.nodes.items()}

    def _text_of(self, node: NodeView) -> str:
        stream_id = node.slot.stream_id
        name = self.stream_names.get(stream_id, "")
        told = (node.node_id, node.slot.rtmp_host, stream_id, name, node.status, node.reason)
        kind = f"control {node.control}" if node.control else ""
        return " ".join((*told, node.says, kind)).lower()


def _number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 6 else 1
