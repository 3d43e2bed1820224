"""The api's entry point: every public route, as one FastAPI application."""

import os

import functions_framework.aio
from fastapi import FastAPI
from starlette.requests import Request

from api.wiring import build

app = build(os.environ)


@functions_framework.aio.http  # type: ignore[arg-type]  # it also runs a returned application
async def api(request: Request) -> FastAPI:
    """The application answers below this function's URL; the framework runs what is returned."""
    return app
