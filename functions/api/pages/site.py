"""The read-only HTML pages, rendered on the server; nothing on them needs a script."""

from fastapi import FastAPI

from api.pages import about, docs
from api.pages.files import File
from api.pages.network import NetworkPageHandler
from api.pages.rendering import TEMPLATES, Renderer
from api.services import Services

FILES = ("style.css", "docs.css", "docs.js", "live.js", "copy.js", "icon.svg")


def install(app: FastAPI, services: Services) -> None:
    """`/` the network, `/about`, `/docs`, and the files that they need."""
    renderer = Renderer(services)
    network = NetworkPageHandler(services, renderer)
    app.get("/", include_in_schema=False)(network.answer)
    about.install(app, renderer, services)
    docs.install(app, renderer)
    for name in FILES:
        app.get(f"/{name}", include_in_schema=False)(File(TEMPLATES / name).answer)
