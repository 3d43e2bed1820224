"""Calling a handler that takes nothing but a JSON body, keys and the request.

FastAPI asks at every request which parameters there are, and of which kind: two thirds of what a
heartbeat cost. For such a handler the route knows that beforehand (ADR 41). Only a request that is
plainly right is answered here. For any other FastAPI says what is wrong with it, as it always does.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from api.http.callers import CallerKey

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class PlainCall:
    """The handler of one route, with what it is handed."""

    handler: Callable[..., Awaitable[Any]]
    body: Any
    """FastAPI's field, which validates."""
    told: Any
    """Likewise, which writes the answer."""
    keys: dict[str, CallerKey]
    """By the parameter that takes who calls."""
    body_name: str
    request_name: str | None

    @classmethod
    def of(cls, route: APIRoute) -> Self | None:
        """How a route's handler is called; None if it takes or answers anything else."""
        takes, told = route.dependant, route.response_field
        if takes.call is None or told is None or route.status_code not in (None, 200):
            return None
        if takes.body_params != [route.body_field] or _takes_more(takes):
            return None
        keys: dict[str, CallerKey] = {}
        for one in takes.dependencies:
            if one.name is None or not isinstance(one.call, CallerKey):
                return None
            keys[one.name] = one.call
        body = takes.body_params[0]
        return cls(takes.call, body, told, keys, body.name, takes.request_param_name)

    async def answer(self, request: Request) -> Response | None:
        """The answer; None if the request is not plainly right."""
        if request.headers.get("content-type") != JSON:
            return None
        try:
            sent = await request.json()
        except ClientDisconnect:
            return None
        body, errors = self.body.validate(sent, {}, loc=("body",))
        if errors:
            return None
        given = {name: key.found(request) for name, key in self.keys.items()}
        if self.request_name is not None:
            given[self.request_name] = request
        told = await self.handler(**given, **{self.body_name: body})
        return Response(self.told.serialize_json(told), media_type=JSON)


def _takes_more(takes: Dependant) -> bool:
    """Whether a handler has parameters besides its body, keys and the request."""
    fields = (takes.path_params, takes.query_params, takes.header_params, takes.cookie_params)
    names = (
        takes.websocket_param_name,
        takes.http_connection_param_name,
        takes.response_param_name,
        takes.background_tasks_param_name,
        takes.security_scopes_param_name,
    )
    return any(fields) or any(names)
