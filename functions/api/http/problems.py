"""Errors as RFC 9457 problem+json: a stable type, and a sentence that says what to do."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse

from api.http.methods import methods_of

PROBLEMS: Mapping[str, tuple[int, str]] = {
    "invalid-request": (422, "The request is not in the form that this route takes"),
    "malformed-body": (400, "The body is not JSON"),
    "body-too-large": (413, "The body is too large"),
    "unsupported-media-type": (415, "The body is not JSON"),
    "key-missing": (401, "This route needs a key"),
    "key-unknown": (403, "This key is not known"),
    "not-your-stream": (403, "The stream belongs to another sponsor"),
    "stream-key-wrong": (403, "This is not the stream's key"),
    "unknown-stream": (404, "There is no such stream"),
    "unknown-node": (404, "There is no such node"),
    "unknown-statement": (404, "There is no such statement"),
    "unknown-day": (404, "That day's lottery is not published"),
    "unknown-webhook": (404, "The stream has no webhook"),
    "unknown-roster": (404, "There is no such roster"),
    "unknown-thumbnail": (404, "There is no such picture"),
    "unknown-route": (404, "There is nothing here"),
    "method-not-allowed": (405, "This route does not take that method"),
    "stream-closed": (409, "The stream is closed"),
    "idempotency-conflict": (409, "This Idempotency-Key stands for another request"),
    "too-many-tokens": (409, "A stream takes no more tokens than that"),
    "address-refused": (422, "The announced address cannot be used"),
    "too-many-requests": (429, "You call too often"),
    "unavailable": (503, "The coordinator cannot answer right now"),
    "internal": (500, "The coordinator made an error"),
}
"""type -> (HTTP status, title)."""


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """Raised by handlers; answered as problem+json."""

    def __init__(self, kind: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.more = kind, detail, more

    def response(self) -> JSONResponse:
        """The answer."""
        status, title = PROBLEMS[self.kind]
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        if status in (429, 503):
            headers["Retry-After"] = str(self.more.get("retry_after", 5))
        return JSONResponse(
            {
                "type": f"/problems/{self.kind}",
                "title": title,
                "status": status,
                "detail": self.detail,
                **self.more,
            },
            status_code=status,
            media_type="application/problem+json",
            headers=headers,
        )


_OF_STATUS = {404: "unknown-route", 405: "method-not-allowed", 415: "unsupported-media-type"}


def install(app: FastAPI) -> None:
    """Makes every error of the app a problem, the framework's own included.

    A problem's type is an address: `/problems/{kind}` leads to where it is explained."""

    @app.exception_handler(Problem)
    async def on_problem(_: Request, problem: Problem) -> JSONResponse:
        return problem.response()

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return _invalid(error).response()

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        kind = _OF_STATUS.get(error.status_code, "invalid-request")
        problem = Problem(kind, f"{request.method} {request.url.path}: {error.detail}.")
        response = problem.response()
        response.headers.update(error.headers or {})
        if error.status_code == 405:
            response.headers["Allow"] = ", ".join(methods_of(app.routes, request.scope))
        return response

    @app.exception_handler(Exception)
    async def on_fault(_: Request, __: Exception) -> JSONResponse:
        says = "This is our fault and is in our log; try again, and tell us if it stays."
        return Problem("internal", says).response()

    @app.get("/problems/{kind}", include_in_schema=False)
    async def explained(kind: str) -> RedirectResponse:
        if kind not in PROBLEMS:
            raise Problem("unknown-route", "No problem has this type; /about lists all.")
        return RedirectResponse(f"/about#{kind}", 308)


def _invalid(error: RequestValidationError) -> Problem:
    errors = error.errors()
    if any(item["type"] == "json_invalid" for item in errors):
        return Problem("malformed-body", "Send a JSON object as the body.")
    found = [
        {"where": ".".join(str(part) for part in item["loc"]), "says": item["msg"]}
        for item in errors[:20]
    ]
    detail = "; ".join(f"{item['where']}: {item['says']}" for item in found)
    return Problem("invalid-request", detail[:1000], errors=found)
