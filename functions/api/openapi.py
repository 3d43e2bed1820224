"""The OpenAPI document: what FastAPI derives from the routes, with keys, errors and media types.

Whatever follows from a route's form is added by rule (a key gives 401 and 403, a body 400, 413, 415
and 422, and so on); only what its handler may answer besides stands in a table.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.http.problems import PROBLEMS
from api.wire.example_names import NODE_ID, RTMP_URL
from api.wire.examples import EXAMPLES

_KEYS = {"sponsors": "sponsorKey", "nodes": "nodeKey", "ingest": "ingestKey"}
"""Of the routes with a tag that take a key."""
_SCHEMES = {
    "sponsorKey": "A sponsor's key, from whoever runs the coordinator (`make sponsor`).",
    "nodeKey": "32 random bytes in URL-safe base64 without padding: whoever holds it is the node.",
    "ingestKey": "The ingest's own key, INGEST_KEY.",
}
_ALWAYS = ("too-many-requests", "internal", "unavailable")
_WITH_KEY = ("key-missing", "key-unknown")
_WITH_BODY = ("malformed-body", "body-too-large", "unsupported-media-type", "invalid-request")
_OF_PARAMETER = {"stream_id": "unknown-stream", "node_id": "unknown-node"}
_BESIDES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("post", "/streams"): ("idempotency-conflict", "address-refused"),
    ("post", "/streams/{stream_id}/top-ups"): (
        "not-your-stream",
        "stream-closed",
        "idempotency-conflict",
        "too-many-tokens",
    ),
    ("post", "/streams/{stream_id}/close"): ("not-your-stream",),
    ("get", "/streams/{stream_id}/webhook"): ("not-your-stream", "unknown-webhook"),
    ("post", "/streams/{stream_id}/webhook"): (
        "not-your-stream",
        "idempotency-conflict",
        "address-refused",
    ),
    ("get", "/streams/{stream_id}/statements/{epoch}"): ("unknown-statement",),
    ("post", "/ingest/publish"): ("stream-key-wrong", "stream-closed"),
    ("post", "/nodes/heartbeat"): ("unknown-stream", "address-refused"),
    ("post", "/nodes/dial-back"): ("address-refused",),
    ("get", "/schedule/{day}"): ("unknown-day",),
    ("get", "/thumbnails/{thumbnail_id}.jpg"): ("unknown-thumbnail",),
    ("get", "/rosters/{roster_id}"): ("unknown-roster",),
}


def _text(media_type: str, example: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: {"schema": {"type": "string"}, "example": example}}}}


SVG = _text(
    "image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg" width="97" height="20">…</svg>'
)
PLAYLIST = _text("audio/x-mpegurl", f"#EXTM3U\n#EXTINF:-1,Main stage via {NODE_ID}\n{RTMP_URL}\n")
JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}
"""What routes answer that do not answer with JSON."""
_HIDDEN = ("authorization",)
"""Headers that a route reads and no client sets as a parameter."""
_NOT_MODIFIED = "Nothing has changed since the version that If-None-Match names."
_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "An error, as RFC 9457 describes it.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [f"/problems/{kind}" for kind in PROBLEMS]},
        "title": {"type": "string", "description": "The same for every problem of a type."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to do about it."},
        "retry_after": {"type": "integer", "description": "Of too many requests: seconds."},
        "reason": {"type": "string", "description": "Of a refused address: why."},
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
    """Completes the document that the application serves; built on the first request for it."""
    plain = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = described(plain(), base_url)
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]  # FastAPI's documented way


def described(document: dict[str, Any], base_url: str | None) -> dict[str, Any]:
    """The document with keys and errors; `base_url` is left out where it is not known."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _describe(method, path, operation)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
    schemas["Problem"] = _PROBLEM
    components["securitySchemes"] = {
        name: {"type": "http", "scheme": "bearer", "description": says}
        for name, says in _SCHEMES.items()
    }
    if base_url:
        document["servers"] = [{"url": base_url}]
    return document


def _describe(method: str, path: str, operation: dict[str, Any]) -> None:
    parameters = operation.pop("parameters", [])
    names = {parameter["name"] for parameter in parameters}
    shown = [parameter for parameter in parameters if parameter["name"] not in _HIDDEN]
    if shown:
        operation["parameters"] = shown
    kinds = [*_BESIDES.get((method, path), ()), *_ALWAYS]
    kinds += [kind for name, kind in _OF_PARAMETER.items() if f"{{{name}}}" in path]
    if "authorization" in names:
        operation["security"] = [{_KEYS[operation["tags"][0]]: []}]
        kinds += _WITH_KEY
    if "requestBody" in operation:
        kinds += _WITH_BODY
    elif shown:
        kinds.append("invalid-request")
    responses = operation["responses"]
    responses.pop("422", None)  # FastAPI's own form of it
    if method == "get":
        responses["304"] = {"description": _NOT_MODIFIED}
    responses.update(_problems(kinds))


def _problems(kinds: Iterable[str]) -> dict[str, Any]:
    """A response for each status, with an example of each kind of problem that has it."""
    by_status: dict[int, list[str]] = defaultdict(list)
    for kind in kinds:
        by_status[PROBLEMS[kind][0]].append(kind)
    return {
        str(status): {
            "description": ", or ".join(PROBLEMS[kind][1] for kind in found),
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {kind: {"value": _example(kind)} for kind in found},
                }
            },
            **_headers(status),
        }
        for status, found in sorted(by_status.items())
    }


def _headers(status: int) -> dict[str, Any]:
    if status not in (429, 503):
        return {}
    seconds = {"description": "Seconds to wait.", "required": True, "schema": {"type": "string"}}
    return {"headers": {"Retry-After": seconds}}


def _example(kind: str) -> dict[str, Any]:
    status, title = PROBLEMS[kind]
    detail = "One sentence that says what to do."
    return {"type": f"/problems/{kind}", "title": title, "status": status, "detail": detail}
