"""Bodies of requests: JSON, and of limited length; bytes are counted as they arrive."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.types import Message, Receive

from api.http.problems import Problem, ProblemKind

BODY_BYTES_MAX = 64 * 1024


async def read_whole(request: Request) -> Request:
    """The same request with its body at hand; a problem if that is no JSON, or too long.

    It is read before anything parses, so that a body without a Content-Length is refused with
    the same answer; BODY_BYTES_MAX a request is what that costs at most."""
    _require_json(request.headers)
    whole = await _whole_of(request.receive)
    if len(whole.get("body", b"")) > BODY_BYTES_MAX:
        says = f"Send at most {BODY_BYTES_MAX} bytes in a body."
        raise Problem(ProblemKind.BODY_TOO_LARGE, says)
    return Request(request.scope, _replaying(whole, request.receive))


def _require_json(headers: Mapping[str, str]) -> None:
    """A problem where a body is declared as something else.

    Also because a page of another origin could send that without asking."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if has_body and kind != "application/json":
        says = "Send JSON, with Content-Type: application/json."
        raise Problem(ProblemKind.UNSUPPORTED_MEDIA_TYPE, says)


async def _whole_of(receive: Receive) -> Message:
    """The request's body in one message, or a little more of it than may be; or a disconnect."""
    message = await receive()
    if not message.get("more_body", False):
        return message
    body = bytearray()
    while message["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body", False) or len(body) > BODY_BYTES_MAX:
            return {"type": "http.request", "body": bytes(body), "more_body": False}
        message = await receive()
    return message


def _replaying(whole: Message, receive: Receive) -> Receive:
    """A `receive` that tells the same message once more, and then what comes."""
    waiting = [whole]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
