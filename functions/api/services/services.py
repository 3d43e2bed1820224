"""What the routes work with, built once per process."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request

from api.http.callers import IngestKey, Sponsor, SponsorKey
from api.http.node_signature import NodeSignature
from api.http.problems import Problem, ProblemKind
from api.services.announcements import Announcements
from api.services.registrar import Registrar
from api.services.reports import Reports
from api.services.scheduled_jobs import Jobs
from api.services.snapshots import Snapshots
from api.services.subscriptions import Subscriptions
from api.services.treasurer import Treasurer
from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.projection_documents import ProjectionReader
from coordinator.epochs import Calendar
from coordinator.projections.network_view import NodeView
from coordinator.streams import Stream

Found = TypeVar("Found")


@dataclass(frozen=True)
class Services:
    """The handlers and the settings that routes need. Routes keep this, and none of its parts."""

    measurements: Measurements
    ledger: Ledger
    snapshots: Snapshots
    projections: ProjectionReader
    registrar: Registrar
    treasurer: Treasurer
    reports: Reports
    subscriptions: Subscriptions
    announcements: Announcements
    jobs: Jobs
    calendar: Calendar
    clock: Clock
    log: Log
    sponsor_key: SponsorKey
    node_signature: NodeSignature
    ingest_key: IngestKey
    ingest_url: str
    public_url: str | None
    trusted_proxies: int
    requests_per_second: float
    """Of one key, in the long run; an address may call four times as often."""

    def base_url(self, request: Request) -> str:
        """The api's own URL, without a slash at its end."""
        return self.public_url or str(request.base_url).rstrip("/")

    async def stream(self, stream_id: str) -> Stream | None:
        """From the snapshot; from the database when it is too new for that."""
        snapshot = await self.snapshots.swept()
        return snapshot.stream(stream_id) or await self.stream_now(stream_id)

    async def known_stream(self, stream_id: str) -> Stream:
        """The same; a problem if there is none."""
        return _known(await self.stream(stream_id), stream_id)

    async def known_node(self, node_id: str) -> NodeView:
        """A node from the snapshot; a problem if there is none."""
        node = (await self.snapshots.now()).network.nodes.get(node_id)
        if node is None:
            says = f"No node is called {node_id}; a new one appears with its first sweep."
            raise Problem(ProblemKind.UNKNOWN_NODE, says)
        return node

    async def own_stream(self, stream_id: str, sponsor: Sponsor) -> Stream:
        """A stream of this sponsor; a problem if there is none, or it is somebody else's.

        What a sponsor does to it is dated. So it is read, which tells the time too (ADR 76)."""
        stream = _known(await self.stream_now(stream_id), stream_id)
        if stream.sponsor != sponsor.name:
            says = "Only the sponsor who registered the stream may do that."
            raise Problem(ProblemKind.NOT_YOUR_STREAM, says)
        return stream

    async def stream_now(self, stream_id: str) -> Stream | None:
        """From the database."""
        return await if_possible(self.measurements.stream(stream_id))


def _known(stream: Stream | None, stream_id: str) -> Stream:
    if stream is None:
        says = f"No stream is called {stream_id}: see GET /streams."
        raise Problem(ProblemKind.UNKNOWN_STREAM, says)
    return stream


async def if_possible(reading: Awaitable[Found | None]) -> Found | None:
    """What is read; None also where no document can have the id that was asked for."""
    try:
        return await reading
    except ValueError:
        return None
