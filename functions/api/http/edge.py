"""What every answer has, whatever the route: a request id, HEAD, ETags, CORS, caching rules.

One ASGI layer around the application, so that no route has to think of it, and errors have it too.
"""

import hashlib
import itertools
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence

from starlette.datastructures import MutableHeaders
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.methods import methods_of
from api.http.problems import Problem, ProblemKind
from coordinator.adapters.log import Log, LogEvent

TAGGED_BYTES_MAX = 2 * 1024 * 1024
"""Longer answers are sent as they come, without an ETag."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_.-]{8,64}")
_READS = ("GET", "HEAD", "OPTIONS")
_EVERYWHERE = ((b"x-content-type-options", b"nosniff"),)
_READABLE = (
    *_EVERYWHERE,
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, X-Request-Id, Retry-After"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Of what a browser may be led to; each unless the answer has its own."""
_IDS = zip(itertools.repeat(secrets.token_urlsafe(9).encode()), itertools.count(1), strict=False)
"""Of this process, and how many it has answered: unique, and cheaper than a random one each."""
_NO_STORE = (b"cache-control", b"no-store")
_SOON_STALE = (b"cache-control", b"public, max-age=2")


class Edge:
    """The layer around all routes."""

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute], log: Log) -> None:
        self._app, self._routes, self._log = app, routes, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers preflights itself, and finishes all other answers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
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
        (b"access-control-max-age", b"86400"),
        (b"allow", ", ".join(methods or _READS).encode("ascii")),
    ]
    await answer.send({"type": "http.response.start", "status": 204, "headers": headers})
    await answer.send({"type": "http.response.body", "body": b""})


def _with_ours(
    headers: Iterable[tuple[bytes, bytes]],
    request: Mapping[bytes, bytes],
    *,
    is_read: bool,
    is_fresh: bool,
) -> list[tuple[bytes, bytes]]:
    """An answer's headers, and those of ours that it does not have itself.

    `is_read`: a browser may be led to it; `is_fresh`: it may be kept for a moment."""
    own = list(headers)
    names = {name for name, _ in own}
    own += [header for header in (_READABLE if is_read else _EVERYWHERE) if header[0] not in names]
    own.append(_request_id(request))
    if b"cache-control" not in names:
        own.append(_SOON_STALE if is_fresh else _NO_STORE)
    return own


def _request_id(request: Mapping[bytes, bytes]) -> tuple[bytes, bytes]:
    """The header of an answer: the caller's own id, if it has a fit one, else one of ours."""
    given = request.get(b"x-request-id")
    is_fit = given is not None and _REQUEST_ID.fullmatch(given)
    return b"x-request-id", given if given and is_fit else b"%b.%x" % next(_IDS)


class _Answer:
    """Holds an answer back until it is whole, tags it, and leaves out a body that is not wanted."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.request: Mapping[bytes, bytes] = dict(scope["headers"])
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
            is_read = self._method in _READS
            is_fresh = is_read and message["status"] == 200
            given = message.get("headers", ())
            message["headers"] = _with_ours(given, self.request, is_read=is_read, is_fresh=is_fresh)
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
        if self._start["status"] == 200 and self._method in _READS:
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
