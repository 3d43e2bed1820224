"""The prober's entry point: Cloud Scheduler calls `POST /?partition=N` once a draw."""

import gc
import os

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from prober.wiring import build

answer = build(os.environ)
# The server forks now. A look for garbage would write to all that is here, and so copy it.
gc.freeze()


@functions_framework.aio.http
async def prober(request: Request) -> Response:
    """Runs the checks of one draw."""
    return await answer(request)
