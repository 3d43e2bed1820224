"""The collector's entry point: Cloud Scheduler calls `POST /?shard=N` once a sweep interval."""

import os

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from collector.wiring import build

answer = build(os.environ)


@functions_framework.aio.http
async def collector(request: Request) -> Response:
    """Sweeps one shard."""
    return await answer(request)
