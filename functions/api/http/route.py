"""What every route asks before its handler, in one order: who calls, then what is sent."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from api.http.bodies import read_whole
from api.http.callers import CallerKey
from api.http.plain_calls import PlainCall


class Route(APIRoute):
    """FastAPI reads and parses a body before it looks at any key. Here the key comes first:
    a stranger is told 401 or 403, whatever the body is, and none of it is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's documented way to stand around a handler."""
        handle = super().get_route_handler()
        calls = (dependency.call for dependency in self.dependant.dependencies)
        keys = [call for call in calls if isinstance(call, CallerKey)]
        takes_body, plain = self.body_field is not None, PlainCall.of(self)

        async def asked(request: Request) -> Response:
            for key in keys:
                await key.ask(request)
            if takes_body:
                request = await read_whole(request)
                await _hold_to_body(request, keys)
            answer = await plain.answer(request) if plain else None
            return answer or await handle(request)

        return asked


async def _hold_to_body(request: Request, keys: list[CallerKey]) -> None:
    """A caller who went away before the end of the body is told so by whoever reads it."""
    with suppress(ClientDisconnect):
        body = await request.body()
        for key in keys:
            key.hold_to(request, body)
