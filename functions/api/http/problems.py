"""Errors as RFC 9457 problem+json: a stable type, and a sentence that says what to do."""

from collections import defaultdict
from enum import Enum
from typing import Any

from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
Responses = dict[int | str, dict[str, Any]]
"""What a route may answer, as FastAPI takes it: by status."""


class ProblemKind(Enum):
    """Every kind of error there is; its value ends its type, `/problems/{value}`."""

    status: int
    title: str

    def __new__(cls, kind: str, status: int = 0, title: str = "") -> "ProblemKind":
        member = object.__new__(cls)
        member._value_ = kind
        member.status = status
        member.title = title
        return member

    @property
    def type(self) -> str:
        """An address: it leads to where the kind is explained."""
        return f"/problems/{self._value_}"

    INVALID_REQUEST = (
        "invalid-request",
        422,
        "The request is not in the form that this route takes",
    )
    MALFORMED_REQUEST = "malformed-request", 400, "The bytes are no HTTP request"
    TOO_SLOW = "too-slow", 408, "The request did not arrive in time"
    REQUEST_LINE_TOO_LONG = "request-line-too-long", 414, "The request line is too long"
    HEADERS_TOO_LARGE = "headers-too-large", 431, "The headers are too many or too large"
    MALFORMED_BODY = "malformed-body", 400, "The body is not JSON"
    BODY_TOO_LARGE = "body-too-large", 413, "The body is too large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type", 415, "The body is not JSON"
    KEY_MISSING = "key-missing", 401, "This route needs a key"
    KEY_UNKNOWN = "key-unknown", 403, "This key is not known"
    SIGNATURE_MISSING = "signature-missing", 401, "This route needs a node's signature"
    SIGNATURE_WRONG = "signature-wrong", 401, "The signature does not fit the request"
    CLOCK_OFF = "clock-off", 401, "The clock of the caller is off"
    NOT_YOUR_STREAM = "not-your-stream", 403, "The stream belongs to another sponsor"
    STREAM_KEY_WRONG = "stream-key-wrong", 403, "This is not the stream's key"
    UNKNOWN_STREAM = "unknown-stream", 404, "There is no such stream"
    UNKNOWN_NODE = "unknown-node", 404, "There is no such node"
    UNKNOWN_STATEMENT = "unknown-statement", 404, "There is no such statement"
    UNKNOWN_DAY = "unknown-day", 404, "That day's lottery is not published"
    UNKNOWN_WEBHOOK = "unknown-webhook", 404, "The stream has no webhook"
    UNKNOWN_ROSTER = "unknown-roster", 404, "There is no such roster"
    UNKNOWN_THUMBNAIL = "unknown-thumbnail", 404, "There is no such picture"
    UNKNOWN_ROUTE = "unknown-route", 404, "There is nothing here"
    METHOD_NOT_ALLOWED = "method-not-allowed", 405, "This route does not take that method"
    STREAM_CLOSED = "stream-closed", 409, "The stream is closed"
    IDEMPOTENCY_CONFLICT = (
        "idempotency-conflict",
        409,
        "This Idempotency-Key stands for another request",
    )
    ADDRESS_UNSIGNED = "address-unsigned", 409, "Another address was signed than that of the call"
    OVERTAKEN = "overtaken", 409, "This node has said something else since"
    TOO_MANY_TOKENS = "too-many-tokens", 409, "A stream takes no more tokens than that"
    ADDRESS_REFUSED = "address-refused", 422, "The announced address cannot be used"
    TOO_MANY_REQUESTS = "too-many-requests", 429, "You call too often"
    UNAVAILABLE = "unavailable", 503, "The coordinator cannot answer right now"
    INTERNAL = "internal", 500, "The coordinator made an error"


_SIGNED_KINDS = (
    ProblemKind.SIGNATURE_MISSING,
    ProblemKind.SIGNATURE_WRONG,
    ProblemKind.CLOCK_OFF,
)
_SCHEMES = dict.fromkeys(_SIGNED_KINDS, "Signature")


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """Raised by handlers; answered as problem+json."""

    def __init__(self, kind: ProblemKind, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.more = kind, detail, more

    def response(self) -> JSONResponse:
        """The answer."""
        status = self.kind.status
        headers = {"WWW-Authenticate": _SCHEMES.get(self.kind, "Bearer")} if status == 401 else {}
        if status in (429, 503):
            headers["Retry-After"] = str(self.more.get("retry_after", 5))
        return JSONResponse(
            {**_body(self.kind, self.detail), **self.more},
            status_code=status,
            media_type=MEDIA_TYPE,
            headers=headers,
        )


def problems(*kinds: ProblemKind) -> Responses:
    """What a route declares that it may answer besides; an example of each kind by status."""
    by_status: dict[int, list[ProblemKind]] = defaultdict(list)
    for kind in dict.fromkeys(kinds):
        by_status[kind.status].append(kind)
    return {status: _response(status, found) for status, found in sorted(by_status.items())}


def declared(responses: Responses) -> list[ProblemKind]:
    """The kinds that `problems` was told, read back from an operation of the document."""
    contents = [answer.get("content", {}).get(MEDIA_TYPE, {}) for answer in responses.values()]
    return [ProblemKind(name) for content in contents for name in content.get("examples", {})]


def _response(status: int, kinds: list[ProblemKind]) -> dict[str, Any]:
    examples = {
        kind.value: {"value": _body(kind, "One sentence that says what to do.")} for kind in kinds
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    response: dict[str, Any] = {
        "description": ", or ".join(kind.title for kind in kinds),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }
    if status in (429, 503):
        wait = {"description": "Seconds to wait.", "required": True, "schema": {"type": "string"}}
        response["headers"] = {"Retry-After": wait}
    return response


def _body(kind: ProblemKind, detail: str) -> dict[str, Any]:
    return {"type": kind.type, "title": kind.title, "status": kind.status, "detail": detail}
