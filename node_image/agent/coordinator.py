"""The agent's only way to speak with the coordinator. One attempt a call; callers repeat.

httpx is the client throughout the project. Proxies of the environment are ignored: the coordinator
takes the node's address from the connection, and a proxy would announce itself instead.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import NoReturn

import httpx

from agent import __version__
from agent.log import log
from agent.streams import (
    HeartbeatAnswer,
    NotUnderstoodError,
    Stream,
    parse_heartbeat_answer,
    parse_stream,
)

CALL_S_MAX = 15.0
_ANSWER_BYTES_MAX = 65_536


class CoordinatorAwayError(Exception):
    """No usable answer: away, slow, broken or not the coordinator. The message says which."""


class CoordinatorRefusalError(Exception):
    """A clear no, with the coordinator's own sentence."""

    def __init__(self, status: int, problem: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.problem = problem


class Coordinator:
    """The calls that nodes and ingests make."""

    def __init__(self, url: str, key: str) -> None:
        """`key` is the node's own, or the ingest key."""
        self._url = url
        self._key = key
        self._client = httpx.AsyncClient(
            timeout=CALL_S_MAX,
            follow_redirects=False,  # a redirect would carry the key to somebody else
            trust_env=False,
            limits=httpx.Limits(max_connections=8, keepalive_expiry=60.0),
            headers={"user-agent": f"restream-agent/{__version__}", "accept-encoding": "identity"},
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def stream(self, stream_id: str) -> Stream:
        """Ask for a stream. Raises CoordinatorAwayError or CoordinatorRefusalError."""
        status, body = await self._call("GET", f"/streams/{stream_id}")
        if status != 200:
            _refuse(status, body)
        try:
            return parse_stream(_json(body))
        except NotUnderstoodError as e:
            raise CoordinatorAwayError(f"its answer is not understood: {e}") from e

    async def heartbeat(
        self, beat: Mapping[str, object], seconds_max: float = CALL_S_MAX
    ) -> HeartbeatAnswer:
        """Send a heartbeat. Raises CoordinatorAwayError or CoordinatorRefusalError."""
        status, body = await self._call("POST", "/nodes/heartbeat", beat, seconds_max)
        if status != 200:
            _refuse(status, body)
        try:
            return parse_heartbeat_answer(_json(body))
        except NotUnderstoodError as e:
            raise CoordinatorAwayError(f"its answer is not understood: {e}") from e

    async def check_publisher(self, stream_id: str, stream_key: str, seconds_max: float) -> None:
        """Return if the publisher may. Raises CoordinatorAwayError, CoordinatorRefusalError."""
        asked = {"stream_id": stream_id, "stream_key": stream_key}
        status, body = await self._call("POST", "/ingest/publish", asked, seconds_max)
        if status != 204:
            _refuse(status, body)

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        seconds_max: float = CALL_S_MAX,
    ) -> tuple[int, bytes]:
        # What anybody may read is read without the key.
        headers = {"authorization": f"Bearer {self._key}"} if method == "POST" else {}
        got = b""
        try:
            async with (
                asyncio.timeout(seconds_max),  # httpx's own limits never end a slow drip
                self._client.stream(
                    method, f"{self._url}{path}", headers=headers, json=body
                ) as answer,
            ):
                async for part in answer.aiter_raw():
                    got += part
                    if len(got) > _ANSWER_BYTES_MAX:
                        raise CoordinatorAwayError(
                            f"its answer is longer than {_ANSWER_BYTES_MAX} B"
                        )
                return answer.status_code, got
        except TimeoutError as e:
            raise CoordinatorAwayError(f"no whole answer within {seconds_max:g} s") from e
        except httpx.HTTPError as e:
            raise CoordinatorAwayError(f"{type(e).__name__}: {e}".rstrip(": ")) from e
        finally:
            log("coordinator_called", logging.DEBUG, method=method, path=path)


def _json(body: bytes) -> object:
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError) as e:
        raise NotUnderstoodError("it is not JSON") from e
    return parsed


def _refuse(status: int, body: bytes) -> NoReturn:
    """Turn an answer that is not the good one into an error: a refusal only if it says so."""
    if not 400 <= status < 500 or status in (408, 425, 429):
        raise CoordinatorAwayError(f"it answers {status}")
    try:
        problem = _json(body)
    except NotUnderstoodError as e:
        raise CoordinatorAwayError(f"it answers {status} without saying why") from e
    if not isinstance(problem, dict) or not isinstance(problem.get("type"), str):
        raise CoordinatorAwayError(f"it answers {status} without saying why")
    detail = problem.get("detail") or problem.get("title") or problem["type"]
    raise CoordinatorRefusalError(status, problem["type"], str(detail)[:500])
