"""httpx before strangers: the ownership of addresses, and webhooks.

It goes to the address that the guard judged; TLS asks for the name all the same and verifies it.
One request a connection, no redirects, no proxies, no decompression, no cookies.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from time import perf_counter as now

import httpcore
import httpx

from coordinator.adapters.outbound.guard import Guard, Way, refusal_of, system_tls
from coordinator.adapters.outbound.pinned_transport import PinnedTransport
from coordinator.adapters.outbound.replies import LIMITS, Failed, Fetched, OutboundLimits, Posted
from coordinator.adapters.outbound.shared_timer import SharedTimer, StagedDeadline
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, HttpAddress

COMMON = {"User-Agent": "restream-coordinator", "Connection": "close"}
STATS = {**COMMON, "Accept": "application/json", "Accept-Encoding": "identity"}


class HttpClient:
    """Asks strangers. Holds no connections, so it needs no closing."""

    def __init__(
        self, guard: Guard, limits: OutboundLimits = LIMITS, tls: ssl.SSLContext | None = None
    ) -> None:
        """`tls`: whom to believe; by default the authorities that this system trusts."""
        self._guard = guard
        self._limits = limits
        self._tls = tls
        self._timer = SharedTimer()

    async def resolve(self, host: str) -> str:
        """The one address of `host` to connect to; AddressRefused if any of them is not allowed."""
        return await self._guard.resolve(host, self._limits)

    async def get(self, address: HttpAddress, *, at: str | None = None) -> Fetched | Failed:
        """One attempt at a small file; never raises for anything that the stranger does.

        `at`: the IP address to connect to, whatever the host's name resolves to now."""
        started = now()
        try:
            way = await self._guard.way_to(at or address.host, self._limits)
            request = _request("GET", address, STATS)
            async with self._answered(request, address, way) as response:
                body = await self._body(response)
            return Fetched(body, way.peer)
        except AddressRefused as refused:
            return Failed(refused.reason, refused.detail, now() - started)

    async def post(
        self, address: HttpAddress, headers: Mapping[str, str], body: bytes
    ) -> Posted | Failed:
        """One attempt; never raises for anything that the stranger does.

        Header values are ASCII and of one line. The body of the answer is not read."""
        started = now()
        try:
            way = await self._guard.way_to(address.host, self._limits)
            request = _request("POST", address, {**COMMON, **headers}, body)
            async with self._answered(request, address, way) as response:
                status = response.status_code
            return Posted(status, way.peer, now() - started)
        except AddressRefused as refused:
            return Failed(refused.reason, refused.detail, now() - started)

    @asynccontextmanager
    async def _answered(
        self, request: httpx.Request, address: HttpAddress, way: Way
    ) -> AsyncIterator[httpx.Response]:
        """The answer as far as its headers; AddressRefused for every way of not answering."""
        tls = (self._tls or system_tls()) if address.is_tls else None
        deadline = StagedDeadline(self._timer, way.first_deadline, way.last_deadline)
        transport = PinnedTransport(address, way.peer, self._limits, deadline, tls)
        # Where a transport is given httpx asks no proxy; that it heeds no environment is said here.
        client = httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False)
        try:
            with deadline:
                async with client, aclosing(await client.send(request, stream=True)) as response:
                    yield response
        except OSError as error:  # TimeoutError is one
            connected = not deadline.is_first_stage
            raise refusal_of(error, way.peer, is_connected=connected) from None
        except (httpcore.ProtocolError, httpx.HTTPError) as error:
            raise AddressRefused(Reason.STATS_BAD_HTTP, f"not HTTP: {error}") from None

    async def _body(self, response: httpx.Response) -> bytes:
        """The body of a plain 200; the transport ends one that is far too large."""
        most = self._limits.body_bytes
        if response.status_code != httpx.codes.OK:
            raise _bad_http(f"answered with status {response.status_code}")
        encodings = response.headers.get_list("content-encoding", split_commas=True)
        if set(encodings) - {"", "identity"}:
            raise _bad_http("Content-Encoding is not identity")
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length) > most:
            raise _too_large(most)
        body = b"".join([part async for part in response.aiter_raw()])
        if len(body) > most:
            raise _too_large(most)
        return body


def _request(
    method: str, address: HttpAddress, headers: Mapping[str, str], body: bytes | None = None
) -> httpx.Request:
    host = {"Host": address.authority}
    return httpx.Request(method, str(address), headers={**host, **headers}, content=body)


def _bad_http(detail: str) -> AddressRefused:
    return AddressRefused(Reason.STATS_BAD_HTTP, detail)


def _too_large(most: int) -> AddressRefused:
    return AddressRefused(Reason.STATS_TOO_LARGE, f"the body is larger than {most} bytes")
