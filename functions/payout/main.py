"""The payout's entry point: Cloud Scheduler calls `POST /` some times an epoch."""

import os

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from payout.wiring import build

answer = build(os.environ)


@functions_framework.aio.http
async def payout(request: Request) -> Response:
    """Settles every epoch that has ended."""
    return await answer(request)
