"""Every error of the application as a problem, the framework's own included."""

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse

from api.http.methods import methods_of
from api.http.problems import Problem, ProblemKind

ERRORS_TOLD_MAX = 20
_OF_STATUS = {
    400: ProblemKind.MALFORMED_BODY,  # FastAPI's, of what is no text
    404: ProblemKind.UNKNOWN_ROUTE,
    405: ProblemKind.METHOD_NOT_ALLOWED,
}


def install(app: FastAPI) -> None:
    """Makes problems of exceptions, and leads from a problem's type to where it is explained."""

    @app.exception_handler(Problem)
    async def on_problem(_: Request, problem: Problem) -> JSONResponse:
        return problem.response()

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return _invalid(error).response()

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        kind = _OF_STATUS.get(error.status_code, ProblemKind.INVALID_REQUEST)
        problem = Problem(kind, f"{request.method} {request.url.path}: {error.detail}.")
        response = problem.response()
        response.headers.update(error.headers or {})
        if error.status_code == 405:
            response.headers["Allow"] = ", ".join(methods_of(app.routes, request.scope))
        return response

    @app.exception_handler(Exception)
    async def on_fault(_: Request, __: Exception) -> JSONResponse:
        says = "This is our fault and is in our log; try again, and tell us if it stays."
        return Problem(ProblemKind.INTERNAL, says).response()

    @app.get("/problems/{kind}", include_in_schema=False)
    async def explained(kind: str) -> RedirectResponse:
        try:
            known = ProblemKind(kind)
        except ValueError:
            says = "No problem has this type; /about lists all."
            raise Problem(ProblemKind.UNKNOWN_ROUTE, says) from None
        return RedirectResponse(f"/about#{known.value}", 308)


def _invalid(error: RequestValidationError) -> Problem:
    errors = error.errors()
    if any(item["type"] == "json_invalid" for item in errors):
        return Problem(ProblemKind.MALFORMED_BODY, "Send a JSON object as the body.")
    found = [
        {"where": ".".join(str(part) for part in item["loc"]), "says": item["msg"]}
        for item in errors[:ERRORS_TOLD_MAX]
    ]
    detail = "; ".join(f"{item['where']}: {item['says']}" for item in found)
    return Problem(ProblemKind.INVALID_REQUEST, detail[:1000], errors=found)
