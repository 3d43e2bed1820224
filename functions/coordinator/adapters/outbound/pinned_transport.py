"""A transport for httpx: one request on one new connection to an address that is already judged.

What nobody here asks for meets no parser: the answer's headers are dropped but for those that say
how its body is framed. So no cookie is kept, and no `Location` is read.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator

import httpcore
import httpx

from coordinator.adapters.outbound.replies import OutboundLimits
from coordinator.adapters.outbound.shared_timer import StagedDeadline
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, HttpAddress

FRAMING = frozenset((b"content-encoding", b"content-length", b"transfer-encoding"))


class PinnedTransport(httpx.AsyncBaseTransport):
    """Goes to `peer`, whatever the URL names; TLS asks for the name and verifies it."""

    def __init__(
        self,
        address: HttpAddress,
        peer: str,
        limits: OutboundLimits,
        deadline: StagedDeadline,
        tls: ssl.SSLContext | None,
    ) -> None:
        """`deadline` is told when the connection is there."""
        self._address, self._peer = address, peer
        self._limits, self._deadline, self._tls = limits, deadline, tls
        self._stream: _LimitedStream | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body not read yet; OSError where there is no connection."""
        stream = await self._connected()
        address = self._address
        scheme, host, port = "https" if address.is_tls else "http", address.host, address.port
        # From the address and not from the URL: httpx would write some characters differently.
        url = httpcore.URL(scheme=scheme, host=host, port=port, target=address.path)
        headers, body = request.headers.raw, request.stream
        asked = httpcore.Request(request.method, url, headers=headers, content=body)
        connection = httpcore.AsyncHTTP11Connection(url.origin, stream)
        answer = await connection.handle_async_request(asked)
        stream.allow_body(self._limits.body_bytes)
        framing = [(name, value) for name, value in answer.headers if name.lower() in FRAMING]
        return httpx.Response(answer.status, headers=framing, stream=_Body(answer))

    async def aclose(self) -> None:
        """Ends the connection at once, whatever its state."""
        if self._stream is not None:
            await self._stream.aclose()

    async def _connected(self) -> "_LimitedStream":
        host = self._address.host if self._tls else None
        reader, writer = await asyncio.open_connection(
            self._peer, self._address.port, ssl=self._tls, server_hostname=host
        )
        self._stream = _LimitedStream(reader, writer, self._limits.header_bytes)
        self._deadline.is_first_stage = False
        return self._stream


class _LimitedStream(httpcore.AsyncNetworkStream):
    """A connection of which no more bytes are read than its answer may have.

    httpcore would read a header of 100 kB, and any number of frames around few bytes."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, header_bytes: int
    ) -> None:
        self._reader, self._writer = reader, writer
        self._left = self._max = header_bytes
        self._part = "header"

    def allow_body(self, body_bytes: int) -> None:
        """The header is complete: so many bytes may follow."""
        self._left += body_bytes
        self._max, self._part = body_bytes, "body"

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """Some bytes; AddressRefused beyond the limit."""
        if not self._left:
            says = f"the {self._part} is larger than {self._max} bytes"
            raise AddressRefused(Reason.STATS_TOO_LARGE, says)
        data = await self._reader.read(min(max_bytes, self._left))
        self._left -= len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """All of it."""
        self._writer.write(buffer)
        await self._writer.drain()

    async def aclose(self) -> None:
        """Without a farewell: a peer that does not answer it would be waited for."""
        self._writer.transport.abort()


class _Body(httpx.AsyncByteStream):
    """httpcore's body as one of httpx's."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()
