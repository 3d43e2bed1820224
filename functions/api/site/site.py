"""The read-only HTML pages, rendered on the server; nothing on them needs a script."""

from fastapi import FastAPI

from api.services.services import Services
from api.site import about_page as about
from api.site import docs
from api.site.files import File
from api.site.network_page import NetworkPageHandler
from api.site.rendering import TEMPLATES, Renderer

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
