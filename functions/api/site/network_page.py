"""`/`: streams, nodes and the health of the measuring, out of one snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from api.services.services import Services
from api.services.snapshots import Snapshot
from api.site.bars import Bars, day_bars, hour_bars
from api.site.health_lines import health_of
from api.site.listing import Asked, NodeList
from api.site.rendering import Renderer
from coordinator.checking.checks import IngestState
from coordinator.checking.thumbnails import newest_of
from coordinator.epochs import Calendar
from coordinator.ledger.balances import length_of
from coordinator.projections.network_view import NetworkView, NodeView
from coordinator.projections.past_shares import percent
from coordinator.reasons import Reason
from coordinator.streams import Stream, StreamStatus
from coordinator.sweeping.nodes import NodeStatus

STREAMS_A_PAGE = 6
_GOOD = (Reason.PASSED, Reason.DEGRADED, Reason.CUT)
_STATUS_ORDER = (StreamStatus.ACTIVE, StreamStatus.EXHAUSTED, StreamStatus.CLOSED)


@dataclass(frozen=True, slots=True)
class StreamCard:
    """One stream as the page shows it."""

    stream: Stream
    status: StreamStatus
    is_live: bool | None
    """Whether the prober read it at the ingest in its last run; None if that is not known."""
    nodes: int
    verified: int
    viewers: int
    """As verified nodes say."""
    balance: str
    deposited: str
    left_percent: int
    """Of all that was deposited."""
    lasts: str
    """What the balance comes to, in words."""
    thumbnail: str | None
    """The newest picture of it."""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node as the page shows it."""

    node: NodeView
    stream_name: str
    hours: Bars | None
    days: Bars | None
    uptime: str
    """In percent, rounded down: 100 means every minute."""
    check_says: str
    check_age: str
    earned: str
    pending: str
    """In hundredths of a token, rounded down; the node's own page has all of it."""
    picture: str | None
    """The stream as it was at the last check that has a picture."""
    evidence: str | None
    """What the node showed in its place: linked, for nobody knows what is to be seen there. Not
    beside a check that passed since."""


class NetworkPageHandler:
    """Answers `/`."""

    def __init__(self, services: Services, renderer: Renderer) -> None:
        self._services = services
        self._renderer = renderer
        self._list = NodeList(NetworkView(), {})

    async def answer(self, request: Request) -> Response:
        """Streams, nodes, what was measured, and how the measuring itself fares."""
        snapshot = await self._services.snapshots.now()
        jobs = await self._services.jobs.now()
        calendar, asked = self._services.calendar, Asked.of(request.query_params)
        nodes = self._nodes_of(snapshot)
        found = nodes.page(asked)
        names = nodes.stream_names
        streams = sorted(snapshot.streams, key=lambda each: _stream_order(each, snapshot))
        stream_pages = max(1, -(-len(streams) // STREAMS_A_PAGE))
        streams_page = min(asked.streams, stream_pages)
        begin = (streams_page - 1) * STREAMS_A_PAGE
        return self._renderer.page(
            request,
            "network.html",
            asked=asked,
            found=found,
            rows=[_row_of(node, names, snapshot.read_s) for node in found.nodes],
            counts=[
                (status, nodes.counts[status]) for status in NodeStatus if nodes.counts[status]
            ],
            node_count=len(snapshot.network.nodes),
            cards=[
                card_of(each, snapshot, calendar)
                for each in streams[begin : begin + STREAMS_A_PAGE]
            ],
            stream_count=len(streams),
            streams_page=streams_page,
            stream_pages=stream_pages,
            stream_name=names.get(asked.stream, asked.stream),
            now_s=snapshot.read_s,
            swept_s=snapshot.network.swept_s,
            sweep_seconds=calendar.sweep_seconds,
            health=health_of(snapshot, calendar, jobs or [], self._services.clock()),
            jobs_known=jobs is not None,
        )

    def _nodes_of(self, snapshot: Snapshot) -> NodeList:
        """Kept while the snapshot is the same: sorting is the most that a page costs."""
        if self._list.network is not snapshot.network:
            names = {stream.stream_id: stream.name for stream in snapshot.streams}
            self._list = NodeList(snapshot.network, names)
        return self._list


def card_of(stream: Stream, snapshot: Snapshot, calendar: Calendar) -> StreamCard:
    """A stream with its tokens, its nodes and its viewers."""
    stream_id = stream.stream_id
    balance = snapshot.balances.get(stream_id)
    left, deposited = (balance.balance_micros, balance.deposited_micros) if balance else (0, 0)
    verified = snapshot.network.verified(stream_id)
    state = snapshot.network.prober.streams.get(stream_id)
    status = snapshot.status_of(stream, snapshot.read_s)
    return StreamCard(
        stream,
        status,
        None if state in (None, IngestState.UNKNOWN) else state is IngestState.LIVE,
        len(snapshot.network.of_stream(stream_id)),
        len(verified),
        sum(node.poll.viewers for node in verified if node.poll),
        _short(left),
        _short(deposited),
        100 * left // deposited if deposited else 0,
        _lasts(status, snapshot.balance_lasts_seconds(stream, snapshot.read_s, calendar)),
        newest_of(stream_id, (node.thumbnail for node in verified)),
    )


def _lasts(status: StreamStatus, seconds: int | None) -> str:
    if status is StreamStatus.CLOSED:
        return "has ended"
    if status is StreamStatus.EXHAUSTED or seconds == 0:
        return "used up"
    return "nobody earns at present" if seconds is None else f"lasts {length_of(seconds)}"


def _stream_order(stream: Stream, snapshot: Snapshot) -> tuple[int, int, str, str]:
    """Those that run first, then those with the most verified nodes."""
    status = snapshot.status_of(stream, snapshot.read_s)
    verified = len(snapshot.network.verified(stream.stream_id))
    return _STATUS_ORDER.index(status), -verified, stream.name, stream.stream_id


def _row_of(node: NodeView, names: Mapping[str, str], now_s: float) -> NodeRow:
    stream_id, checked_s = node.slot.stream_id, node.trust.last_check_s
    proven = node.uptime is not None
    is_served = newest_of(stream_id, [node.thumbnail]) is not None
    passed = node.trust.last_reason in _GOOD
    return NodeRow(
        node,
        names.get(stream_id, stream_id),
        hour_bars(node) if proven else None,
        day_bars(node) if proven else None,
        "" if node.uptime is None else percent(node.uptime),
        "in every draw" if node.control else _check_says(node.trust.last_reason),
        age_of(now_s - checked_s) if checked_s is not None else "",
        _hundredths(node.account.earned_micros),
        _hundredths(node.account.pending_micros),
        node.thumbnail if is_served else None,
        None if is_served or passed else node.thumbnail,
    )


def _hundredths(micros: int) -> str:
    return f"{micros // 1_000_000:,}.{micros // 10_000 % 100:02d}"


def _short(micros: int) -> str:
    """Whole tokens where there are many; always rounded down."""
    return f"{micros // 1_000_000:,}" if micros >= 100 * 1_000_000 else _hundredths(micros)


def _check_says(reason: str | None) -> str:
    if reason is None:
        return "none yet"
    return {
        Reason.PASSED: "passed",
        Reason.DEGRADED: "passed at the second attempt",
        Reason.CUT: "passed at the second attempt",
    }.get(Reason(reason), f"failed: {reason.replace('_', ' ')}")


def age_of(seconds: float) -> str:
    """`"3 min ago"`, in the largest unit: an age on a page needs no more."""
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"
