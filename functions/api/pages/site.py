"""The read-only HTML pages, rendered on the server; nothing on them needs a script."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from starlette.responses import Response

from api.pages import about as about_page
from api.pages.network import NetworkPageHandler
from api.pages.rendering import TEMPLATES, Renderer
from api.services import Services

_FILES = {
    "style.css": "text/css",
    "live.js": "text/javascript",
    "copy.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def _file(name: str, kind: str) -> Callable[[], Awaitable[Response]]:
    """Serves one of the few static files, read once."""
    content = (TEMPLATES / name).read_bytes()

    async def serve() -> Response:
        headers = {"Cache-Control": "public, max-age=300"}
        return Response(content, media_type=kind, headers=headers)

    return serve


class Pages:
    """Adds the pages to an application."""

    def __init__(self, app: FastAPI, services: Services) -> None:
        self._app = app
        self._services = services
        self._renderer = Renderer(services)

    def install(self) -> None:
        """`/` the network, `/about`, `/docs`, and the files that they need."""
        network = NetworkPageHandler(self._services, self._renderer)
        self._app.get("/", include_in_schema=False)(network.answer)
        self._app.get("/docs", include_in_schema=False)(self.docs)
        about_page.install(self._app, self._renderer, self._services)
        for name, kind in _FILES.items():
            self._app.get(f"/{name}", include_in_schema=False)(_file(name, kind))

    async def docs(self, request: Request) -> Response:
        """Every route with its fields, out of /openapi.json."""
        return self._renderer.page(request, "docs.html", api=self._app.openapi())
