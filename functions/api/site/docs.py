"""`/docs`: the API for people. A plain list of routes, and Swagger UI in its place where it runs.

Swagger UI stands in `swagger_ui/` with its licence, byte by byte as npm's `swagger-ui-dist` has it:
nothing is fetched when an image is built, when the demo starts, or by a browser from elsewhere.
To change its version, unpack the next one there and pin it here.
"""

from fastapi import FastAPI, Request
from starlette.responses import Response

from api.site.files import File
from api.site.rendering import TEMPLATES, Renderer

VERSION = "5.35.0"
SHA256 = {
    "swagger-ui-bundle.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    "swagger-ui.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
}
"""Of the files that a browser is given; a test compares them."""
FOLDER = TEMPLATES.parent / "swagger_ui"
READER_PATH = f"/swagger-ui-{VERSION}"
YEAR_S = 365 * 86_400
"""The path names the version, so what it leads to never changes."""


def install(app: FastAPI, renderer: Renderer) -> None:
    """Adds the page, and the reader's own files."""

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        return renderer.page(request, "docs.html", api=app.openapi(), reader=READER_PATH)

    for name in SHA256:
        file = File(FOLDER / name, YEAR_S)
        app.get(f"{READER_PATH}/{name}", include_in_schema=False)(file.answer)
