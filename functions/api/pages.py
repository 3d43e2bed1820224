"""The read-only HTML pages, rendered on the server; nothing on them needs a script."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from api.services import Services
from api.views import node_out, stream_out
from api.wire import timestamp

_TEMPLATES = Path(__file__).parent / "templates"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


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
        self._style = (_TEMPLATES / "style.css").read_text()

    def install(self) -> None:
        """`/` the network, `/docs` the API, `/style.css`."""
        self._app.get("/", include_in_schema=False)(self.network)
        self._app.get("/docs", include_in_schema=False)(self.docs)
        self._app.get("/style.css", include_in_schema=False)(self.style)

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

    async def style(self) -> Response:
        """The one stylesheet."""
        headers = {"Cache-Control": "public, max-age=300"}
        return Response(self._style, media_type="text/css", headers=headers)

    def _page(self, name: str, **values: Any) -> HTMLResponse:
        return HTMLResponse(self._templates.get_template(name).render(**values), headers=_HEADERS)
