"""A short way for the request that is asked most: a heartbeat that tells nothing new.

The layers and FastAPI's way of calling a handler cost several times what such a heartbeat itself
does. Here it is read by the same model, counted by the same limit and answered by the same handler
in front of them; whatever is not plainly a repetition (wrong, new, without a lease, too often) goes
on to them as if nobody had looked.
"""

from collections.abc import Mapping
from contextlib import suppress

from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.bodies import BODY_BYTES_MAX, replaying, whole_of
from api.http.edge import TOLD_ONE_CALLER, request_id
from api.http.keys import node_of, peer_of
from api.http.rates import RateLimit
from api.nodes import Announcements
from api.wire.nodes import HeartbeatIn, HeartbeatOut

PATH = "/nodes/heartbeat"
_HEADERS = ((b"content-type", b"application/json"), *TOLD_ONE_CALLER)


class Repetitions:
    """The outermost layer of the api."""

    def __init__(
        self, app: ASGIApp, announcements: Announcements, limit: RateLimit, trusted_proxies: int
    ) -> None:
        self._app, self._announcements = app, announcements
        self._limit, self._proxies = limit, trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers repetitions, and passes on everything else."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        message, request = await whole_of(receive), dict(scope["headers"])
        body, peer = message.get("body", b""), peer_of(scope, self._proxies)
        answer = None
        if len(body) <= BODY_BYTES_MAX:
            answer = await self._answer(peer, request, body)
        if answer is None or self._limit.wait_s(peer, request.get(b"authorization")):
            await self._app(scope, replaying(message, receive), send)
            return
        told = answer.__pydantic_serializer__.to_json(answer)
        headers = [*_HEADERS, (b"content-length", b"%d" % len(told)), request_id(request)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": told})

    async def _answer(
        self, peer: str, headers: Mapping[bytes, bytes], body: bytes
    ) -> HeartbeatOut | None:
        if not headers.get(b"content-type", b"").startswith(b"application/json"):
            return None
        with suppress(Exception):  # the route finds it as well, and says what is wrong
            node_id = node_of(headers.get(b"authorization", b"").decode("latin-1"))
            beat = HeartbeatIn.model_validate_json(body)
            return await self._announcements.repeated(node_id, beat, peer)
        return None
