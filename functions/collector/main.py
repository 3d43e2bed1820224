"""The collector's entry point: Cloud Scheduler calls `POST /?shard=N` once a sweep interval."""

import gc
import os

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from collector.wiring import build

answer = build(os.environ)
# The server forks now. A look for garbage would write to all that is here, and so copy it.
gc.freeze()


@functions_framework.aio.http
async def collector(request: Request) -> Response:
    """Sweeps one shard."""
    return await answer(request)
