"""How a simulated node calls the coordinator: the agent's client on a plain connection.

httpx would take most of the processor for five thousand nodes. All else is the agent's own: what is
asked, how it is signed, how an answer is read, and how long anybody waits.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from agent import __version__
from agent.client.coordinator import (
    CALL_S_MAX,
    CoordinatorAwayError,
    CoordinatorClient,
    _date_s,
    _RawAnswer,
    _wait_s,
)
from agent.client.signing import SignedBy
from bench.crowd.members import CrowdMember
from bench.crowd.tally import CallTally

HEARTBEAT = "/nodes/heartbeat"
_HEAD_BYTES_MAX = 65_536
_HEADERS = {
    "user-agent": f"restream-agent/{__version__}",
    "accept": "*/*",
    "accept-encoding": "identity",
}


class NodeCaller(CoordinatorClient):
    """One member's calls, from its own address, over one connection at a time."""

    def __init__(self, url: str, member: CrowdMember, tally: CallTally) -> None:
        self._url, self._auth = url, SignedBy(member.key)
        self._host, self._tally = member.host, tally
        self._to = urlsplit(url)
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def close(self) -> None:
        """Ends the connection."""
        if self._line is not None:
            self._line[1].transport.abort()
            self._line = None

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        seconds_max: float = CALL_S_MAX,
    ) -> _RawAnswer:
        request = httpx.Request(method, f"{self._url}{path}", headers=_HEADERS, json=body)
        signing = self._auth.auth_flow(request) if method == "POST" else None
        if signing is not None:
            next(signing)
        begun_s = time.monotonic()
        try:
            async with asyncio.timeout(seconds_max):
                head, got = await self._exchanged(_bytes_of(request))
        except (OSError, EOFError, ValueError) as error:  # TimeoutError is an OSError
            await self.close()
            why = type(error).__name__
            if path == HEARTBEAT:
                self._tally.failed(why)
            raise CoordinatorAwayError(why) from error
        status, headers = head
        if path == HEARTBEAT:
            says_when = "retry-after" in headers
            self._tally.answered(status, time.monotonic() - begun_s, says_when=says_when)
        date = headers.get("date", "")
        if signing is not None:
            with contextlib.suppress(StopIteration):  # it has learned the time, and is done
                signing.send(httpx.Response(status, headers={"date": date}))
        return _RawAnswer(status, got, _date_s(date), _wait_s(headers.get("retry-after", "")))

    async def _exchanged(self, sent: bytes) -> tuple[tuple[int, dict[str, str]], bytes]:
        """(status and headers, body). Raises OSError, EOFError, ValueError."""
        if self._line is None or self._line[0].at_eof() or self._line[1].is_closing():
            await self.close()
            self._line = await asyncio.open_connection(
                self._to.hostname, self._to.port, local_addr=(self._host, 0), limit=_HEAD_BYTES_MAX
            )
        reader, writer = self._line
        writer.write(sent)
        head = _read(await reader.readuntil(b"\r\n\r\n"))
        body = await reader.readexactly(int(head[1].get("content-length", "0")))
        if head[1].get("connection", "").lower() == "close":
            await self.close()
        return head, body


def _bytes_of(request: httpx.Request) -> bytes:
    target = request.url.raw_path.decode("ascii")
    lines = [f"{request.method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + request.content


def _read(head: bytes) -> tuple[int, dict[str, str]]:
    """ValueError if it is no head of an answer."""
    first, *rest = head.decode("latin-1").rstrip().split("\r\n")
    named = (line.partition(":") for line in rest)
    return int(first.split(" ")[1]), {name.lower(): value.strip() for name, _, value in named}
