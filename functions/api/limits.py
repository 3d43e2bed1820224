"""The body limit, applied before anything parses: bytes are counted as they arrive."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem

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
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > BODY_BYTES_MAX:
                too_large = Problem(
                    "body-too-large", f"Send at most {BODY_BYTES_MAX} bytes in a body."
                )
                await too_large.response()(scope, receive, send)
                return
        whole: Message = {"type": "http.request", "body": bytes(body), "more_body": False}
        read = False

        async def replay() -> Message:
            nonlocal read
            if read:
                return await receive()
            read = True
            return whole

        await self._app(scope, replay, send)
