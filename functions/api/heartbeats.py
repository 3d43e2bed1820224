"""A short way for the request that is asked most: a heartbeat that tells nothing new.

FastAPI's way of calling a handler costs several times what such a heartbeat itself does. Here it is
read by the same model and answered by the same handler, in front of the routes; whatever is not
plainly a repetition (wrong, new, without a lease) goes on to the route as if nobody had looked.
"""

from pydantic import ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from api.keys import node_of
from api.limits import replaying
from api.nodes import Announcements, peer_of
from api.problems import Problem
from api.wire import HeartbeatIn, HeartbeatOut
from coordinator.adapters.store import StoreError

PATH = "/nodes/heartbeat"


class Repetitions:
    """The innermost layer in front of the routes: requests come here whole (`api.limits`)."""

    def __init__(self, app: ASGIApp, announcements: Announcements, trusted_proxies: int) -> None:
        self._app, self._announcements, self._proxies = app, announcements, trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers repetitions, and passes on everything else."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        whole = await receive()
        answer = await self._answer(scope, whole.get("body", b""))
        if answer is None:
            await self._app(scope, replaying(whole, receive), send)
            return
        body = answer.__pydantic_serializer__.to_json(answer)
        headers = [
            (b"content-length", str(len(body)).encode("ascii")),
            (b"content-type", b"application/json"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, body: bytes) -> HeartbeatOut | None:
        headers = dict(scope["headers"])
        client = scope.get("client") or ("", 0)
        forwarded = headers.get(b"x-forwarded-for", b"").decode("latin-1")
        try:
            node_id = node_of(headers.get(b"authorization", b"").decode("latin-1"))
            beat = HeartbeatIn.model_validate_json(body)
            peer = peer_of(client[0], forwarded, self._proxies)
            return await self._announcements.repeated(node_id, beat, peer)
        except (Problem, ValidationError, StoreError):
            return None  # the route says what is wrong
