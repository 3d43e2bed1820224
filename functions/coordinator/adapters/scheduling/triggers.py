"""What the three scheduled functions have in common: they answer POST, and nothing else."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

Handler = Callable[[Request], Awaitable[Response]]
Work = Callable[[Mapping[str, str]], Awaitable[tuple[int, Mapping[str, Any]]]]
"""From a call's query to its status and what came of it."""


def answering(work: Work) -> Handler:
    """Does the work for each of the scheduler's calls; in the cloud, IAM keeps strangers out."""

    async def answer(request: Request) -> Response:
        if request.method != "POST":
            says = "this function is called by the scheduler, with POST"
            return JSONResponse({"error": says}, status_code=405, headers={"Allow": "POST"})
        status, summary = await work(request.query_params)
        return JSONResponse(summary, status_code=status)

    return answer
