"""The agent's only way to speak with the coordinator. One attempt a call; callers repeat.

httpx is the client throughout the project. Proxies of the environment are ignored: the coordinator
takes the node's address from the connection, and a proxy would announce itself instead. One module:
what is asked, and what any answer to it means.
"""

import asyncio
import json
import logging
import re
import ssl
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeVar

import httpx

from agent import __version__
from agent.backoff import HEARTBEAT_S_MAX
from agent.client.answers import (
    Candidate,
    HeartbeatAnswer,
    NotUnderstoodError,
    RelayedStream,
    parse_candidates,
    parse_heartbeat_answer,
    parse_stream,
    parse_warnings,
)
from agent.client.dial_back import DialBackReport, parse_dial_back
from agent.log import AgentEvent, log
from agent.stream_ids import STREAM_ID_PATTERN

T = TypeVar("T")

CALL_S_MAX = 15.0
_ANSWER_BYTES_MAX = 65_536
_PAGES_MAX = 20
_ADDRESS_CHARS_MAX = 45
_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)
_ADDRESS = (
    "Check that COORDINATOR_URL is right and that this machine reaches the internet; if both are, "
    "wait: the coordinator may be away."
)
# A clock that is far behind makes every certificate one of the future.
_CERTIFICATE = (
    "Set the clock of this machine (sudo timedatectl set-ntp true); if it is right, check "
    "COORDINATOR_URL and COORDINATOR_CA: this is not the certificate of the coordinator."
)
# The coordinator calls back where a call comes from, and the relay listens on IPv4 alone.
_ANY_IPV4 = "0.0.0.0"  # noqa: S104 -- calls go out from it, nobody comes in


class CoordinatorAwayError(Exception):
    """No usable answer: away, slow, broken or not the coordinator. The message says which."""

    def __init__(self, says: str, wait_s: float = 0.0) -> None:
        """`wait_s`: how long it asks to be left alone."""
        super().__init__(says)
        self.wait_s = wait_s

    @property
    def fix(self) -> str:
        """What an operator can do about it."""
        return _CERTIFICATE if "CERTIFICATE" in str(self) else _ADDRESS


class CoordinatorRefusalError(Exception):
    """A clear no, with the coordinator's own sentence."""

    def __init__(self, status: int, problem: str, detail: str, address: str = "") -> None:
        """`address`: the one to sign, where that was wrong."""
        super().__init__(detail)
        self.status = status
        self.problem = problem
        self.address = address


class _RawAnswer(NamedTuple):
    status: int
    body: bytes
    date_s: float | None  # the server's clock, Unix seconds
    wait_s: float = 0.0  # how long it asks to be left alone


class CoordinatorClient:
    """The calls that nodes and ingests make."""

    def __init__(self, url: str, auth: httpx.Auth, ca: Path | None = None) -> None:
        """`auth` signs as a node, or shows the ingest key; `ca`: a private authority's
        certificate."""
        self._url = url
        self._auth = auth
        self._client = httpx.AsyncClient(
            timeout=CALL_S_MAX,
            transport=httpx.AsyncHTTPTransport(
                verify=ssl.create_default_context(cafile=ca) if ca else True,
                trust_env=False,
                limits=httpx.Limits(max_connections=8, keepalive_expiry=60.0),
                local_address=_ANY_IPV4 if "[" not in url else None,
            ),
            follow_redirects=False,  # a redirect would carry the key to somebody else
            trust_env=False,
            headers={"user-agent": f"restream-agent/{__version__}", "accept-encoding": "identity"},
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def stream(self, stream_id: str) -> RelayedStream:
        """Ask for a stream. Raises CoordinatorAwayError or CoordinatorRefusalError."""
        return _understood(await self._call("GET", f"/streams/{stream_id}"), parse_stream)

    async def candidates(self) -> list[Candidate]:
        """Ask for all streams. Raises CoordinatorAwayError or CoordinatorRefusalError."""
        found: list[Candidate] = []
        token = ""
        for _ in range(_PAGES_MAX):
            path = f"/streams?page_token={token}" if token else "/streams"
            some, token = _understood(await self._call("GET", path), parse_candidates)
            found += some
            if not STREAM_ID_PATTERN.fullmatch(token):  # none, or none that this API writes
                break
        return found

    async def clock(self) -> float | None:
        """Its time, Unix seconds, if it says one. Raises CoordinatorAwayError."""
        return (await self._call("GET", "/health")).date_s

    async def dial_back(self, ports: Mapping[str, object]) -> DialBackReport | None:
        """Have it connect to this node; None if it offers no such thing.

        Raises CoordinatorAwayError or CoordinatorRefusalError.
        """
        answer = await self._call("POST", "/nodes/dial-back", ports)
        if answer.status in (404, 405):
            return None
        return _understood(answer, parse_dial_back)

    async def heartbeat(
        self, beat: Mapping[str, object], seconds_max: float = CALL_S_MAX
    ) -> HeartbeatAnswer:
        """Send a heartbeat. Raises CoordinatorAwayError or CoordinatorRefusalError."""
        answer = await self._call("POST", "/nodes/heartbeat", beat, seconds_max)
        return _understood(answer, parse_heartbeat_answer)

    async def check_publisher(
        self, stream_id: str, stream_key: str, mark_key: str, seconds_max: float
    ) -> None:
        """Return if the publisher may. Raises CoordinatorAwayError, CoordinatorRefusalError.

        `mark_key` is told: the public key by which the stream will be signed; empty for none.
        """
        asked = {"stream_id": stream_id, "stream_key": stream_key}
        if mark_key:
            asked["ingest_public_key"] = mark_key
        answer = await self._call("POST", "/ingest/publish", asked, seconds_max)
        if answer.status != 204:
            _refuse(answer)

    async def describe_media(
        self, stream_id: str, video: str, audio: str, key_interval_ms: int | None
    ) -> list[str]:
        """Say what is published; gives what viewers cannot play of it, in sentences.

        Raises CoordinatorAwayError or CoordinatorRefusalError."""
        said = {
            "stream_id": stream_id,
            "video": video,
            "audio": audio,
            "key_interval_ms": key_interval_ms,
        }
        answer = await self._call("POST", "/ingest/media", said)
        return _understood(answer, parse_warnings)

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        seconds_max: float = CALL_S_MAX,
    ) -> _RawAnswer:
        # What anybody may read is read without the key.
        auth = self._auth if method == "POST" else None
        got = b""
        try:
            async with (
                asyncio.timeout(seconds_max),  # httpx's own limits never end a slow drip
                self._client.stream(method, f"{self._url}{path}", auth=auth, json=body) as answer,
            ):
                async for part in answer.aiter_raw():
                    got += part
                    if len(got) > _ANSWER_BYTES_MAX:
                        raise CoordinatorAwayError(
                            f"its answer is longer than {_ANSWER_BYTES_MAX} B"
                        )
                headers = answer.headers
                wait_s = _wait_s(headers.get("retry-after", ""))
                date_s = _date_s(headers.get("date", ""))
                return _RawAnswer(answer.status_code, got, date_s, wait_s)
        except TimeoutError as e:
            raise CoordinatorAwayError(f"no whole answer within {seconds_max:g} s") from e
        except httpx.HTTPError as e:
            raise CoordinatorAwayError(f"{type(e).__name__}: {e}".rstrip(": ")) from e
        finally:
            log(AgentEvent.COORDINATOR_CALLED, logging.DEBUG, method=method, path=path)


def _understood(answer: _RawAnswer, parse: Callable[[object], T]) -> T:
    """What a good answer says. Raises CoordinatorAwayError or CoordinatorRefusalError."""
    if answer.status != 200:
        _refuse(answer)
    try:
        return parse(_json(answer.body))
    except NotUnderstoodError as e:
        raise CoordinatorAwayError(f"its answer is not understood: {e}") from e


def _json(body: bytes) -> object:
    try:
        parsed: object = json.loads(body)
        # Half of a character's escape is JSON, but no text that could be shown or sent back.
        json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as e:
        raise NotUnderstoodError("it is not JSON") from e
    return parsed


def _date_s(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _wait_s(text: str) -> float:
    """Of a Retry-After in seconds; 0 where it says none."""
    return min(HEARTBEAT_S_MAX, float(text)) if _SECONDS.fullmatch(text) else 0.0


def _refuse(answer: _RawAnswer) -> NoReturn:
    """Turn an answer that is not the good one into an error: a refusal only if it says so."""
    status, body = answer.status, answer.body
    if not 400 <= status < 500 or status in (408, 425, 429):
        raise CoordinatorAwayError(f"it answers {status}", answer.wait_s)
    try:
        problem = _json(body)
    except NotUnderstoodError as e:
        raise CoordinatorAwayError(f"it answers {status} without saying why") from e
    if not isinstance(problem, dict) or not isinstance(problem.get("type"), str):
        raise CoordinatorAwayError(f"it answers {status} without saying why")
    detail = problem.get("detail") or problem.get("title") or problem["type"]
    address = str(problem.get("address") or "")[:_ADDRESS_CHARS_MAX]
    raise CoordinatorRefusalError(status, problem["type"], str(detail)[:500], address)
