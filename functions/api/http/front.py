"""Answers that are not the application's: the framework's own, and the server's refusals.

They are problems like all others, and bear the usual headers."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.dates import DateHeader
from api.http.intake import RequestRefused
from api.http.problems import Problem, ProblemKind
from api.http.usual_headers import REQUEST_ID, finished, is_secure

_OF_STATUS = {
    400: ProblemKind.MALFORMED_REQUEST,
    404: ProblemKind.UNKNOWN_ROUTE,
    405: ProblemKind.METHOD_NOT_ALLOWED,
    408: ProblemKind.TOO_SLOW,
    414: ProblemKind.REQUEST_LINE_TOO_LONG,
    429: ProblemKind.TOO_MANY_REQUESTS,
    431: ProblemKind.HEADERS_TOO_LARGE,
    503: ProblemKind.UNAVAILABLE,
}
_SAYS = {
    404: "Nothing answers at this path: see /docs.",
    405: "This path does not take that method: see /docs.",
}


class Front:
    """The layer around the framework. An answer without a request id has passed no layer of ours:
    the framework made it, and it is told anew."""

    def __init__(self, app: ASGIApp, trusted_proxies: int, date: DateHeader) -> None:
        self._app, self._proxies, self._date = app, trusted_proxies, date

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on the application's answers as they are."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_ours = is_told = False

        async def sent(message: Message) -> None:
            nonlocal is_ours, is_told
            if not is_ours and message["type"] == "http.response.start":
                is_ours = any(name == REQUEST_ID for name, _ in message["headers"])
                message["headers"] = [*message["headers"], self._date.now()]
            if is_ours:
                await send(message)
            elif not is_told:
                is_told = True
                await self._tell(message, scope, receive, send)

        await self._app(scope, receive, sent)

    async def _tell(self, theirs: Message, scope: Scope, receive: Receive, send: Send) -> None:
        status, request = theirs["status"], dict(scope["headers"])
        kind = _OF_STATUS.get(status, ProblemKind.INTERNAL)
        says = _SAYS.get(status, "This is our fault and is in our log.")
        response = Problem(kind, says).response()
        kept = (b"allow", b"date")
        response.raw_headers += [one for one in theirs["headers"] if one[0] in kept]
        response.raw_headers = finished(
            response.raw_headers,
            request,
            scope["method"],
            kind.status,
            is_secure=is_secure(request, self._proxies),
        )
        await response(scope, receive, send)


def refusal(refused: RequestRefused) -> bytes:
    """The answer to bytes that became no request, whole, with the end of the connection."""
    response = Problem(_OF_STATUS[refused.status], refused.says).response()
    status = HTTPStatus(response.status_code)
    headers = finished(response.raw_headers, {}, "", status, is_secure=False)
    lines = [b"HTTP/1.1 %d %b" % (status, status.phrase.encode()), b"connection: close"]
    lines += [b"%b: %b" % header for header in headers]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
