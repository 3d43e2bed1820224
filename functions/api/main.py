"""The api's entry point: every public route, as one FastAPI application."""

import gc
import os

# The collector would walk everything again and again while modules are loaded: a third of a start.
gc.disable()

import functions_framework.aio  # noqa: E402 - after the collector is off
from fastapi import FastAPI  # noqa: E402 - likewise
from starlette.requests import Request  # noqa: E402 - likewise

from api.wiring import build  # noqa: E402 - likewise

app = build(os.environ)
gc.freeze()  # what is here now stays
gc.enable()


@functions_framework.aio.http  # type: ignore[arg-type]  # it also runs a returned application
async def api(request: Request) -> FastAPI:
    """The application answers below this function's URL; the framework runs what is returned."""
    return app
