"""What every answer has, whatever the route: a request id, HEAD, ETags, CORS, caching rules.

One ASGI layer around the application, so that no route has to think of it, and errors have it too.
"""

import hashlib
import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem

TAGGED_BYTES_MAX = 2 * 1024 * 1024
"""Longer answers are sent as they come, without an ETag."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")
_JSON_TYPES = ("application/json", "application/problem+json")
_READS = ("GET", "HEAD", "OPTIONS")
_CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag, X-Request-Id, Retry-After"),
)
_SECURITY = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
)


class Edge:
    """The outermost layer of the api."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers preflights and wrong media types itself, and finishes all other answers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        if scope["method"] == "OPTIONS":
            await _preflight(answer)
        elif problem := _unsupported(scope, answer.request):
            await problem.response()(scope, receive, answer.send)
        else:
            inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
            await self._app(inner, receive, answer.send)


async def _preflight(answer: "_Answer") -> None:
    """Pages of other origins may read; writing needs a key, which no page should hold."""
    headers = [
        (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
        (b"access-control-max-age", b"86400"),
        (b"allow", b"GET, HEAD, OPTIONS, POST"),
    ]
    await answer.send({"type": "http.response.start", "status": 204, "headers": headers})
    await answer.send({"type": "http.response.body", "body": b""})


def _unsupported(scope: Scope, request: Headers) -> Problem | None:
    """A POST whose body is declared as something else than JSON."""
    if scope["method"] in _READS:
        return None
    kind = request.get("content-type", "").partition(";")[0].strip().lower()
    has_body = request.get("content-length", "0") != "0" or "transfer-encoding" in request
    if not has_body or kind == "application/json":
        return None
    return Problem("unsupported-media-type", "Send JSON, with Content-Type: application/json.")


class _Answer:
    """Holds an answer back until it is whole, tags it, and leaves out a body that is not wanted."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.request = Headers(scope=scope)
        self._method = scope["method"]
        self._send = send
        self._start: Message = {}
        self._body = bytearray()
        self._streams = False

    async def send(self, message: Message) -> None:
        """An ASGI `send` that finishes the answer when its last part has come."""
        if message["type"] == "http.response.start":
            self._start = message
            self._add_headers(MutableHeaders(raw=message.setdefault("headers", [])))
            return
        if self._streams:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False) and len(self._body) <= TAGGED_BYTES_MAX:
            return
        if message.get("more_body", False):
            self._streams = True
            await self._send(self._start)
            await self._send({**message, "body": bytes(self._body)})
            return
        await self._finish()

    def _add_headers(self, headers: MutableHeaders) -> None:
        given = self.request.get("x-request-id", "")
        is_fit = _REQUEST_ID.fullmatch(given)
        headers["X-Request-Id"] = given if is_fit else secrets.token_urlsafe(12)
        for name, value in (*_CORS, *_SECURITY):
            headers.setdefault(name, value)
        if self._start["status"] != 200 or self._method not in _READS:
            headers.setdefault("Cache-Control", "no-store")
        else:
            headers.setdefault("Cache-Control", "public, max-age=2")

    async def _finish(self) -> None:
        headers = MutableHeaders(raw=self._start["headers"])
        body = bytes(self._body)
        if self._start["status"] == 200 and self._method in _READS:
            tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            headers["ETag"] = tag
            if _names(self.request.get("if-none-match", ""), tag):
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
