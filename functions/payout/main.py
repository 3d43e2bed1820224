"""The payout's entry point: Cloud Scheduler calls `POST /` some times an epoch."""

import gc
import os

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from payout.wiring import build

answer = build(os.environ)
# The server forks now. A look for garbage would write to all that is here, and so copy it.
gc.freeze()


@functions_framework.aio.http
async def payout(request: Request) -> Response:
    """Settles every epoch that has ended."""
    return await answer(request)
