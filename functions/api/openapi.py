"""The OpenAPI document: what FastAPI derives from the routes, with what follows from their form.

A route declares what only its handler may answer (`problems(...)`); a key gives 401 and 403, a
body 400, 413, 415 and 422, and so on, by rule.
"""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.http.problems import ProblemKind, declared, problems
from api.wire.common import example_of

_ALWAYS = (ProblemKind.TOO_MANY_REQUESTS, ProblemKind.INTERNAL, ProblemKind.UNAVAILABLE)
_WITH_KEY = (ProblemKind.KEY_MISSING, ProblemKind.KEY_UNKNOWN)
_SIGNED = (ProblemKind.SIGNATURE_MISSING, ProblemKind.SIGNATURE_WRONG, ProblemKind.CLOCK_OFF)
_WITH_BODY = (
    ProblemKind.MALFORMED_BODY,
    ProblemKind.BODY_TOO_LARGE,
    ProblemKind.UNSUPPORTED_MEDIA_TYPE,
    ProblemKind.INVALID_REQUEST,
)
_OF_PARAMETER = {"stream_id": ProblemKind.UNKNOWN_STREAM, "node_id": ProblemKind.UNKNOWN_NODE}
_NOT_MODIFIED = "Nothing has changed since the version that If-None-Match names."
_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "An error, as RFC 9457 describes it.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [kind.type for kind in ProblemKind]},
        "title": {"type": "string", "description": "The same for every problem of a type."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to do about it."},
        "retry_after": {"type": "integer", "description": "Of too many requests: seconds."},
        "reason": {"type": "string", "description": "Of a refused address: why."},
        "address": {"type": "string", "description": "Of an unsigned address: which to sign."},
        "errors": {
            "type": "array",
            "description": "Of an invalid request: each thing that is wrong.",
            "items": {
                "type": "object",
                "required": ["where", "says"],
                "properties": {"where": {"type": "string"}, "says": {"type": "string"}},
            },
        },
    },
}


def operation_id(route: APIRoute) -> str:
    """The handler's name: what a generated client calls the method."""
    return route.name


def install(app: FastAPI, base_url: str | None) -> None:
    """Completes the document that the application serves; built on the first request for it.

    People read its paths in the order of the routes as they stand now."""
    plain, order = app.openapi, [getattr(route, "path", "") for route in app.routes]

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = described(plain(), base_url)
            document["paths"] = dict(sorted(document["paths"].items(), key=_place_in(order)))
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]  # FastAPI's documented way


def _place_in(order: list[str]) -> Callable[[tuple[str, Any]], int]:
    return lambda each: order.index(each[0])


def described(document: dict[str, Any], base_url: str | None) -> dict[str, Any]:
    """The document with keys and errors; `base_url` is left out where it is not known."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _describe(method, path, operation)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)
    for name, model in _models().items():
        if "examples" in schemas.get(name, {}):
            schemas[name]["examples"] = [example_of(model)]  # FastAPI leaves out what is null
    schemas["Problem"] = _PROBLEM
    if base_url:
        document["servers"] = [{"url": base_url}]
    return document


def _models() -> dict[str, type[BaseModel]]:
    """Every body, by its name."""
    found, waiting = dict[str, type[BaseModel]](), [BaseModel]
    while waiting:
        below = waiting.pop().__subclasses__()
        waiting += below
        found |= {m.__name__: m for m in below if m.__module__.startswith("api.wire.")}
    return found


def _describe(method: str, path: str, operation: dict[str, Any]) -> None:
    operation["summary"] = _first_sentence(operation["description"])
    responses = operation["responses"]
    kinds = [*declared(responses), *_ALWAYS]
    kinds += [kind for name, kind in _OF_PARAMETER.items() if f"{{{name}}}" in path]
    for scheme in operation.get("security", ()):
        kinds += _SIGNED if "nodeSignature" in scheme else _WITH_KEY
    if "requestBody" in operation:
        kinds += _WITH_BODY
    elif "parameters" in operation:
        kinds.append(ProblemKind.INVALID_REQUEST)
    responses.pop("422", None)  # FastAPI's own form of it
    if method == "get":
        responses["304"] = {"description": _NOT_MODIFIED}
    responses.update({str(status): told for status, told in problems(*kinds).items()})


def _first_sentence(text: str) -> str:
    """Of a handler's docstring, without its full stop: what a list of routes says."""
    line = text.partition("\n\n")[0].replace("\n", " ")
    return line.partition(". ")[0].removesuffix(".")
