"""Reads a relay's statistics page on this machine: one attempt, bounded in time and size."""

import asyncio

import httpx

from agent.engines.base import EngineSilentError

READ_S_MAX = 2.0
_PAGE_BYTES_MAX = 1_000_000


class LocalPage:
    """A page that a relay serves to its agent only."""

    def __init__(self, what: str, url: str, uds: str | None = None) -> None:
        """`what` names the page in errors; `uds` is a unix socket to reach it by."""
        self._what = what
        self._url = url
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(
                verify=False,  # this machine's own page, without TLS: no certificates to load
                uds=uds,
                limits=httpx.Limits(max_keepalive_connections=0),  # the relay may be another now
            ),
            timeout=READ_S_MAX,
            trust_env=False,
        )

    async def read(self) -> bytes:
        """The whole body, whatever its status. Raises EngineSilentError."""
        body = b""
        try:
            async with (
                asyncio.timeout(READ_S_MAX),
                self._client.stream("GET", self._url) as answer,
            ):
                async for part in answer.aiter_raw():
                    body += part
                    if len(body) > _PAGE_BYTES_MAX:
                        raise EngineSilentError(f"{self._what} are too long")
        except (httpx.HTTPError, TimeoutError) as e:
            raise EngineSilentError(f"{self._what}: {e or type(e).__name__}") from e
        return body
