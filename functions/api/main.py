"""The api's entry point: every public route, as one FastAPI application."""
# ruff: noqa: E402 - the collector is switched off before anything large is imported

import gc
import os

# The collector would walk everything again and again while modules are loaded: a third of a start.
gc.disable()

import functions_framework.aio
from fastapi import FastAPI
from starlette.requests import Request

from api.wiring import build

app = build(os.environ)
gc.freeze()  # what is here now stays
gc.set_threshold(20_000)  # to look at each 700 new objects took a fifth of a connection
gc.enable()


@functions_framework.aio.http  # type: ignore[arg-type]  # it also runs a returned application
async def api(request: Request) -> FastAPI:
    """The application answers below this function's URL; the framework runs what is returned."""
    return app
