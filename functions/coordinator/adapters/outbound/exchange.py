"""One HTTP request and its response on one connection, cut off at the first thing amiss."""

import asyncio
from dataclasses import dataclass
from typing import cast

import httptools

from coordinator.adapters.outbound.replies import OutboundLimits
from coordinator.reasons import Reason
from coordinator.strangers.addresses import HttpAddress


def request_of(address: HttpAddress, known: Reason | None) -> bytes:
    """The request; a node that was told another reason than `known` asks what there is."""
    hint = "" if known is None else f"Restream-Reason: {known.value}\r\n"
    return (
        f"GET {address.path} HTTP/1.1\r\nHost: {address.authority}\r\n"
        "User-Agent: restream-coordinator\r\nAccept: application/json\r\n"
        f"Accept-Encoding: identity\r\n{hint}Connection: close\r\n\r\n"
    ).encode("ascii")


@dataclass(frozen=True, slots=True)
class Cut:
    """Why a response was not taken."""

    reason: Reason
    detail: str


class Exchange(asyncio.Protocol):
    """One request and its response. `answer` is set once, to the body or to why there is none.

    A thousand wait at a time, so each is small: the parser is made when an answer comes."""

    __slots__ = (
        "_body",
        "_body_bytes",
        "_has_length",
        "_header_bytes",
        "_in_body",
        "_limits",
        "_parser",
        "_received_bytes",
        "_request",
        "_transport",
        "answer",
    )
    _parser: httptools.HttpResponseParser
    """There is one between the first byte received and the connection's end."""

    def __init__(
        self,
        request: bytes,
        limits: OutboundLimits,
        answer: "asyncio.Future[bytes | Cut]",
    ) -> None:
        self.answer = answer
        self._transport: asyncio.Transport | None = None
        self._request = request
        self._limits = limits
        self._body: list[bytes] = []
        self._received_bytes = self._header_bytes = self._body_bytes = 0
        self._in_body = self._has_length = False

    def abort(self) -> None:
        """Ends the connection at once, whatever its state."""
        if self._transport is not None:
            self._transport.abort()

    # -- called by the event loop ------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self.answer.done():
            return
        if not self._received_bytes:
            self._parser = httptools.HttpResponseParser(self)
        self._received_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._refuse(Reason.STATS_BAD_HTTP, f"not HTTP: {error}")
        if not self._in_body and self._received_bytes > self._limits.header_bytes:
            self._refuse_size("header", self._limits.header_bytes)
        # Chunks may carry more frame than content: the bytes on the wire are limited too.
        elif self._received_bytes > self._limits.header_bytes + self._limits.body_bytes:
            self._refuse_size("body", self._limits.body_bytes)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None and self._in_body and not self._has_length:
            self._end(b"".join(self._body))  # HTTP/1.0: the end of the stream is the end
        elif not self.answer.done():
            part = "body" if self._in_body else "header"
            self._refuse(Reason.STATS_BAD_HTTP, f"the connection ended in the {part}")
        if self._received_bytes:
            del self._parser  # it holds our methods: a circle would wait for the collector

    # -- called by the parser ----------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > self._limits.header_bytes:
            self._refuse_size("header", self._limits.header_bytes)
        key, word = name.lower(), value.strip().lower()
        if key == b"content-encoding" and word not in (b"", b"identity"):
            self._refuse(Reason.STATS_BAD_HTTP, "Content-Encoding is not identity")
        elif key == b"transfer-encoding":
            self._has_length = True
            if word != b"chunked":
                self._refuse(Reason.STATS_BAD_HTTP, "Transfer-Encoding is not chunked")
        elif key == b"content-length":
            self._has_length = True
            # The parser itself refuses what is not a number.
            if word.isdigit() and int(word[:20]) > self._limits.body_bytes:
                self._refuse_size("body", self._limits.body_bytes)

    def on_headers_complete(self) -> None:
        self._in_body = True
        status = self._parser.get_status_code()
        if status != 200:
            self._refuse(Reason.STATS_BAD_HTTP, f"answered with status {status}")

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.body_bytes:
            self._refuse_size("body", self._limits.body_bytes)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        self._end(b"".join(self._body))

    def _refuse_size(self, part: str, most: int) -> None:
        self._refuse(Reason.STATS_TOO_LARGE, f"the {part} is larger than {most} bytes")

    def _refuse(self, reason: Reason, detail: str) -> None:
        self._end(Cut(reason, detail))

    def _end(self, answer: bytes | Cut) -> None:
        """Takes the first answer only, and ends the connection with it."""
        if not self.answer.done():
            self.answer.set_result(answer)
            self.abort()
