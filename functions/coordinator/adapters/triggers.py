"""What the three scheduled functions have in common: they answer POST, and nothing else."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


def refuse_unless_post(request: Request) -> Response | None:
    """405 for anything but the scheduler's POST; in the cloud, IAM keeps strangers out."""
    if request.method == "POST":
        return None
    says = "this function is called by the scheduler, with POST"
    return JSONResponse({"error": says}, status_code=405, headers={"Allow": "POST"})
