"""What the routes work with, built once per process."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

from api.http.problems import Problem
from api.jobs import Jobs
from api.nodes import Announcements
from api.snapshots import Snapshots
from api.streams import Registrar
from api.webhooks import Subscriptions
from coordinator.adapters.clock import Clock
from coordinator.adapters.ledger import Ledger
from coordinator.adapters.log import Log
from coordinator.adapters.page_documents import PageReader
from coordinator.adapters.records import Measurements
from coordinator.epochs import Calendar
from coordinator.streams import Stream


@dataclass(frozen=True)
class Services:
    """The handlers and the settings that routes need."""

    measurements: Measurements
    ledger: Ledger
    snapshots: Snapshots
    pages: PageReader
    registrar: Registrar
    subscriptions: Subscriptions
    announcements: Announcements
    jobs: Jobs
    calendar: Calendar
    clock: Clock
    log: Log
    sponsors: Mapping[str, str]
    """Sponsor names by the SHA-256 of their keys."""
    ingest_key_hash: str
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
        snapshot = await self.snapshots.now()
        return snapshot.stream(stream_id) or await self.stream_now(stream_id)

    async def known_stream(self, stream_id: str) -> Stream:
        """The same; a problem if there is none."""
        stream = await self.stream(stream_id)
        if stream is None:
            raise Problem("unknown-stream", f"No stream is called {stream_id}: see GET /streams.")
        return stream

    async def stream_now(self, stream_id: str) -> Stream | None:
        """From the database."""
        try:
            return await self.measurements.stream(stream_id)
        except ValueError:
            return None  # no document can have that id
