"""The read-only HTML pages, rendered on the server; nothing on them needs a script."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from api.problems import PROBLEMS
from api.services import Services
from api.views import node_out, stream_out
from api.wire import timestamp
from coordinator.proof import ProofParameters
from coordinator.reasons import Reason
from coordinator.suspicion import PUBLISHED
from coordinator.sweeps import OFFLINE_AFTER_MISSES

_TEMPLATES = Path(__file__).parent / "templates"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


_FILES = {
    "style.css": "text/css",
    "live.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def _file(name: str, kind: str) -> Callable[[], Awaitable[Response]]:
    """Serves one of the few static files, read once."""
    content = (_TEMPLATES / name).read_bytes()

    async def serve() -> Response:
        headers = {"Cache-Control": "public, max-age=300"}
        return Response(content, media_type=kind, headers=headers)

    return serve


class Pages:
    """Adds the pages to an application."""

    def __init__(self, app: FastAPI, services: Services) -> None:
        self._app = app
        self._services = services
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def install(self) -> None:
        """`/` the network, `/about`, `/docs`, and the files that they need."""
        self._app.get("/", include_in_schema=False)(self.network)
        self._app.get("/docs", include_in_schema=False)(self.docs)
        self._app.get("/about", include_in_schema=False)(self.about)
        for name, kind in _FILES.items():
            self._app.get(f"/{name}", include_in_schema=False)(_file(name, kind))

    async def network(self, request: Request) -> Response:
        """Streams, nodes, measured uptime, and the reason for every status."""
        snapshot = await self._services.snapshots.now()
        base_url = self._services.base_url(request)
        ingest_url = self._services.ingest_url
        streams = [
            {
                "stream": stream_out(s, snapshot, ingest_url=ingest_url, base_url=base_url),
                "nodes": [
                    {"node": node_out(node), "uptime": node.uptime, "verified": node.is_verified}
                    for node in snapshot.network.of_stream(s.stream_id)
                ],
            }
            for s in snapshot.streams
        ]
        swept_s = snapshot.network.swept_s
        return self._page(
            "network.html",
            streams=streams,
            now=timestamp(int(snapshot.read_s)),
            swept=timestamp(swept_s) if swept_s is not None else None,
            sweep_seconds=self._services.calendar.sweep_seconds,
        )

    async def docs(self) -> Response:
        """Every route with its fields, out of /openapi.json."""
        return self._page("docs.html", api=self._app.openapi())

    async def about(self) -> Response:
        """How everything is measured, every limit, every reason, every error."""
        return self._page(
            "about.html",
            calendar=self._services.calendar,
            offline_after=OFFLINE_AFTER_MISSES,
            proof=list(asdict(ProofParameters()).items()),
            suspicion=PUBLISHED,
            reasons=list(Reason),
            problems=PROBLEMS,
        )

    def _page(self, name: str, **values: Any) -> HTMLResponse:
        return HTMLResponse(self._templates.get_template(name).render(**values), headers=_HEADERS)
