"""What every answer has, whatever the route: a request id, HEAD, ETags, CORS, caching rules.

One ASGI layer around the application, so that no route has to think of it, and errors have it too.
"""

import hashlib
from collections.abc import Mapping, Sequence

from starlette.datastructures import MutableHeaders
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.methods import methods_of
from api.http.problems import Problem, ProblemKind
from api.http.usual_headers import READS, finished, is_secure
from coordinator.adapters.log import Log, LogEvent

HONOURED = b"If-None-Match, X-Request-Id"
"""What a reader may send besides what every page may. Keys are not for pages."""
TAGGED_BYTES_MAX = 2 * 1024 * 1024
"""Longer answers are sent as they come, without an ETag."""


class Edge:
    """The layer around all routes."""

    def __init__(
        self, app: ASGIApp, routes: Sequence[BaseRoute], log: Log, trusted_proxies: int = 0
    ) -> None:
        self._app, self._routes, self._log = app, routes, log
        self._proxies = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers preflights itself, and finishes all other answers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send, self._proxies)
        if scope["method"] == "OPTIONS":
            await _preflight(answer, methods_of(self._routes, scope))
        else:
            inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
            await self._answered(inner, receive, answer)

    async def _answered(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        """An error that nobody foresaw is a problem for the caller and a line in the log.

        The framework has answered it by then, and passes it on all the same."""
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            if not answer.is_sent:
                says = "This is our fault and is in our log."
                await Problem(ProblemKind.INTERNAL, says).response()(scope, receive, answer.send)
            where = {"path": scope["path"], "request_id": answer.request_id}
            self._log.failure(LogEvent.REQUEST_FAILED, error, **where)


async def _preflight(answer: "_Answer", methods: list[str]) -> None:
    """Pages of other origins may read; writing needs a key, which no page should hold."""
    headers = [
        (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
        (b"access-control-allow-headers", HONOURED),
        (b"access-control-max-age", b"86400"),
        (b"allow", ", ".join(methods or READS).encode("ascii")),
    ]
    await answer.send({"type": "http.response.start", "status": 204, "headers": headers})
    await answer.send({"type": "http.response.body", "body": b""})


class _Answer:
    """Holds an answer back until it is whole, tags it, and leaves out a body that is not wanted."""

    def __init__(self, scope: Scope, send: Send, trusted_proxies: int) -> None:
        self.request: Mapping[bytes, bytes] = dict(scope["headers"])
        self._is_secure = is_secure(self.request, trusted_proxies)
        if self._is_secure:
            scope["scheme"] = "https"  # links of ours lead to where the caller came from
        self._method = scope["method"]
        self._send = send
        self._start: Message = {}
        self._body = bytearray()
        self._streams = False
        self.is_sent = False
        """Whether it is on its way, or a part of it."""

    @property
    def request_id(self) -> str:
        """What the caller is told, once the answer has begun."""
        return str(dict(self._start["headers"])[b"x-request-id"], "ascii")

    async def send(self, message: Message) -> None:
        """An ASGI `send` that finishes the answer when its last part has come."""
        if message["type"] == "http.response.start":
            self._start = message
            self._body.clear()  # of an answer that failed half-way
            given, status = message.get("headers", ()), message["status"]
            message["headers"] = finished(
                given, self.request, self._method, status, is_secure=self._is_secure
            )
            return
        if self._streams:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False) and len(self._body) <= TAGGED_BYTES_MAX:
            return
        if message.get("more_body", False):
            self._streams = self.is_sent = True
            await self._send(self._start)
            await self._send({**message, "body": bytes(self._body)})
            return
        await self._finish()

    async def _finish(self) -> None:
        self.is_sent = True
        body = bytes(self._body)
        if self._start["status"] == 200 and self._method in READS:
            headers = MutableHeaders(raw=self._start["headers"])
            tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            headers["ETag"] = tag
            if _names(self.request.get(b"if-none-match", b"").decode("latin-1"), tag):
                self._start["status"] = 304
                for name in ("content-length", "content-type"):
                    if name in headers:
                        del headers[name]
                body = b""
        await self._send(self._start)
        await self._send(
            {"type": "http.response.body", "body": b"" if self._method == "HEAD" else body}
        )


def _names(if_none_match: str, tag: str) -> bool:
    """Whether the client has this version already (weak comparison, RFC 9110 13.1.2)."""
    known = [entry.strip().removeprefix("W/") for entry in if_none_match.split(",")]
    return "*" in known or tag in known
