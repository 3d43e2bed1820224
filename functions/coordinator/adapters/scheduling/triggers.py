"""What the three scheduled functions have in common: they answer POST, and nothing else."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from coordinator.adapters.clock import Clock, agrees
from coordinator.adapters.log import Log, LogEvent

Handler = Callable[[Request], Awaitable[Response]]
Work = Callable[[Mapping[str, str]], Awaitable[tuple[int, Mapping[str, Any]]]]
"""From a call's query to its status and what came of it."""


DUE = "X-CloudScheduler-ScheduleTime"


def answering(work: Work, clock: Clock, log: Log) -> Handler:
    """Does the work for each of the scheduler's calls; in the cloud, IAM keeps strangers out.

    A trigger says when it was due, by a clock that is not ours. By one of ours that is far from
    that nothing is numbered: what the wrong hour holds could not be made good in the right one."""

    async def answer(request: Request) -> Response:
        if request.method != "POST":
            says = "this function is called by the scheduler, with POST"
            return JSONResponse({"error": says}, status_code=405, headers={"Allow": "POST"})
        due_s = _due_s(request)
        if due_s is not None and not agrees(clock, due_s):
            off_s = round(clock() - due_s)
            log(LogEvent.CLOCK_OFF, severity="ERROR", off_s=off_s)
            says = f"our clock is {off_s} s from the trigger's, so nothing is done by it"
            return JSONResponse({"error": says}, status_code=503)
        status, summary = await work(request.query_params)
        return JSONResponse(summary, status_code=status)

    return answer


def _due_s(request: Request) -> float | None:
    """When the trigger was due; None if it does not say."""
    try:
        due = datetime.fromisoformat(request.headers.get(DUE, ""))
    except ValueError:
        return None
    return due.timestamp() if due.tzinfo else None
