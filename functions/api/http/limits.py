"""The body limit, applied before anything parses: bytes are counted as they arrive."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import Problem

BODY_BYTES_MAX = 64 * 1024


class BodyLimit:
    """Answers 413 to bodies over BODY_BYTES_MAX, declared or not.

    The body is read whole before the app sees it, so that a body without a Content-Length is
    refused with the same answer; 64 KiB a request is what that costs at most."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on requests within the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        whole = await whole_of(receive)
        if whole["type"] == "http.disconnect":
            return
        if len(whole.get("body", b"")) > BODY_BYTES_MAX:
            says = f"Send at most {BODY_BYTES_MAX} bytes in a body."
            await Problem("body-too-large", says).response()(scope, receive, send)
            return
        await self._app(scope, replaying(whole, receive), send)


async def whole_of(receive: Receive) -> Message:
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


def replaying(whole: Message, receive: Receive) -> Receive:
    """A `receive` that tells the same message once more, and then what comes."""
    waiting = [whole]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
