"""The api of a network, as a sponsor and as anybody asks it."""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from agent.client.signing import SignedBy
from agent.node_key import encode_key

ANSWER_S_MAX = 30.0
"""A cold start takes some seconds, and Cloud Run ends every call of the api after 30."""
ANSWER_BYTES_MAX = 4 * 2**20
"""No public answer of a coordinator has more than a megabyte."""
NO_ADDRESS = "192.0.2.9"
"""Of a network that is for documents only (RFC 5737): nobody calls from there."""
SAID_CHARACTERS_MAX = 300
"""Of an answer that is no problem+json."""


class AnswerError(Exception):
    """An answer that is none, or a refusal. The message is the api's own sentence."""

    def __init__(self, status: int, sentence: str, kind: str = "", retry_after: str = "") -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence
        """0 where nothing answered."""
        self.kind, self.retry_after = kind, retry_after


class ApiClient:
    """Asks one api. Every method raises AnswerError."""

    def __init__(self, client: httpx.Client, clock: Callable[[], float] = time.time) -> None:
        self._client, self._clock = client, clock
        self.api = str(client.base_url).rstrip("/")
        self._ahead_s = 0.0

    def now_s(self) -> float:
        """What time it is there, as far as its answers have told."""
        return self._clock() + self._ahead_s

    def health(self) -> None:
        """Whether it answers; learns what time it is there."""
        self.ask("GET", "/health")

    def seen_address(self, forged: str = NO_ADDRESS) -> str:
        """Where a caller is taken to be who says that it is passed on for `forged`."""
        auth = SignedBy(encode_key(secrets.token_bytes(32)), self.now_s)
        ports = {"stats_port": 8080, "rtmp_port": 1935}
        said = self.ask("POST", "/nodes/dial-back", ports, {"X-Forwarded-For": forged}, auth=auth)
        return str(said["address"])

    def get(self, path: str, **query: str | int) -> Any:
        """A public document."""
        return self.ask("GET", path, query=query)

    def ask(  # noqa: PLR0913 - what a request consists of
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, str | int] | None = None,
        auth: httpx.Auth | None = None,
    ) -> Any:
        """The JSON of an answer that is good news."""
        content = b"" if body is None else json.dumps(body).encode()
        sent = dict(headers or {}) | ({"Content-Type": "application/json"} if content else {})
        end_s = time.monotonic() + ANSWER_S_MAX
        try:
            with self._client.stream(
                method, path, content=content or None, headers=sent, params=query, auth=auth
            ) as answer:
                whole = bytearray()
                for part in answer.iter_bytes():
                    whole += part
                    if len(whole) > ANSWER_BYTES_MAX or time.monotonic() > end_s:
                        raise AnswerError(answer.status_code, f"{path} has no end")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            says = (
                f"{self.api} gives no answer ({type(error).__name__}: {error}): look at the "
                "address, and whether the api runs."
            )
            raise AnswerError(0, says) from error
        self._learn(answer.headers.get("date", ""))
        return _told(answer, bytes(whole))

    def _learn(self, date: str) -> None:
        try:
            self._ahead_s = parsedate_to_datetime(date).timestamp() - self._clock()
        except (ValueError, OverflowError):
            return


def _told(answer: httpx.Response, body: bytes) -> Any:
    try:
        told = json.loads(body) if body else None
    except (ValueError, RecursionError):
        told = None
    if answer.is_success and told is not None:
        return told
    fields = told if isinstance(told, dict) else {}
    says = str(fields.get("detail") or body[:SAID_CHARACTERS_MAX].decode(errors="replace"))
    plain = "".join(c for c in says if c.isprintable())
    kind = str(fields.get("type", "")).rpartition("/")[2]
    retry_after = answer.headers.get("retry-after", "")
    raise AnswerError(answer.status_code, f"{answer.status_code}: {plain}", kind, retry_after)
