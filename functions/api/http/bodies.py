"""Bodies of requests: JSON, and of limited length; bytes are counted as they arrive."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope

from api.http.problems import Problem, ProblemKind

BODY_BYTES_MAX = 64 * 1024


class _Whole(Request):
    """A request whose body has come; None if the caller went away before its end."""

    def __init__(self, scope: Scope, whole: bytes | None) -> None:
        super().__init__(scope)
        self._whole = whole
        self._sent = None if whole is None else json_of(whole)

    async def body(self) -> bytes:
        """What has come."""
        if self._whole is None:
            raise ClientDisconnect
        return self._whole

    async def json(self) -> Any:
        """The same, parsed."""
        if self._whole is None:
            raise ClientDisconnect
        return self._sent


async def read_whole(request: Request) -> Request:
    """The same request with its body at hand; a problem if that is no JSON, or too long.

    It is read before anything parses, so that a body without a Content-Length is refused with
    the same answer; BODY_BYTES_MAX a request is what that costs at most."""
    _require_json(request.headers)
    whole = await _whole_of(request.receive)
    if whole is not None and len(whole) > BODY_BYTES_MAX:
        says = f"Send at most {BODY_BYTES_MAX} bytes in a body."
        raise Problem(ProblemKind.BODY_TOO_LARGE, says)
    return _Whole(request.scope, whole)


def json_of(whole: bytes) -> Any:
    """What a body says; a problem unless it is JSON in UTF-8 (RFC 8259), which has no NaN, and says
    each thing once: of two readers one might take the first, and another the last."""
    try:
        return _JSON.decode(whole.removeprefix(_MARK).decode("utf-8"))
    except (ValueError, RecursionError):
        raise Problem(ProblemKind.MALFORMED_BODY, "Send a JSON object as the body.") from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


_JSON = json.JSONDecoder(parse_constant=_no_number, object_pairs_hook=_once)
_MARK = b"\xef\xbb\xbf"
"""What some programs put before UTF-8; it may be passed over."""


def _require_json(headers: Mapping[str, str]) -> None:
    """A problem where a body is declared as something else.

    Also because a page of another origin could send that without asking."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if has_body and kind != "application/json":
        says = "Send JSON, with Content-Type: application/json."
        raise Problem(ProblemKind.UNSUPPORTED_MEDIA_TYPE, says)


async def _whole_of(receive: Receive) -> bytes | None:
    """The request's body, or a little more of it than may be; None if the caller went away."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        return bytes(message.get("body", b""))
    body = bytearray()
    while message["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body", False) or len(body) > BODY_BYTES_MAX:
            return bytes(body)
        message = await receive()
    return None
