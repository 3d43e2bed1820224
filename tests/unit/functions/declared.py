"""Holds every answer of a test to the OpenAPI document: no route answers an undeclared problem."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Match

from api.http.problems import MEDIA_TYPE, ProblemKind, declared

Declarations = Mapping[tuple[str, str], set[ProblemKind]]
"""By method and path."""
_known: dict[str, Declarations] = {}
"""Of the api's title: the document takes a while to make, and is the same for every test's app."""


def declared_only(app: FastAPI) -> Callable[[httpx.Response], Awaitable[None]]:
    """A hook for a client of the application."""
    return partial(_hold, app)


async def _hold(app: FastAPI, response: httpx.Response) -> None:
    if response.headers.get("content-type") != MEDIA_TYPE or response.request.method == "HEAD":
        return
    route = _route_of(app, response.request)
    if route is not None and route.include_in_schema:
        await response.aread()
        kind = ProblemKind(response.json()["type"].rpartition("/")[2])
        method = response.request.method
        known = declarations(app)[method, route.path_format]
        assert kind in known, f"{method} {route.path_format} does not declare {kind}"


def _route_of(app: FastAPI, request: httpx.Request) -> APIRoute | None:
    """The route that answers; None where it is no route that does."""
    scope = {"type": "http", "method": request.method, "path": request.url.path, "headers": []}
    for route in app.routes:
        if route.matches(scope)[0] is Match.FULL and isinstance(route, APIRoute):
            return route
    return None


def declarations(app: FastAPI) -> Declarations:
    """What each operation declares, as it stands in the document."""
    if app.title not in _known:
        _known[app.title] = {
            (method.upper(), path): set(declared(operation["responses"]))
            for path, methods in app.openapi()["paths"].items()
            for method, operation in methods.items()
        }
    return _known[app.title]
