"""Laws of HTTP: requests that strangers send to the api, and answers that they give to a poll."""

import asyncio

from api.http.intake import Awaited
from coordinator.adapters.outbound.exchange import Cut, Exchange
from coordinator.adapters.outbound.replies import OutboundLimits
from tests.cut_requests import hold_to_h11, taken
from tests.fuzz.target import Target, cut, halves

LIMITS = OutboundLimits(header_bytes=1_000, body_bytes=2_000)
_LOOP = asyncio.new_event_loop()
"""Never run: futures want one."""


class _Line(asyncio.Transport):
    """The other end of a connection, which nobody hears."""

    def write(self, data: object) -> None:
        """Nothing is sent."""

    def abort(self) -> None:
        """Nothing is open."""


def request_law(data: bytes) -> None:
    """Cut in whatever pieces, it is the same; and another parser ends it where we do."""
    size, sent = halves(data)
    found = taken(sent, [])
    assert found == taken(sent, list(range(0, len(sent), size + 1)))
    if not isinstance(found, int) and found[1] is Awaited.NOTHING:
        hold_to_h11(found[0])


def reply_law(data: bytes) -> None:
    """What a node answers to a poll: a body within its limit, or why it was not taken."""
    size, sent = halves(data)
    whole = _answered(sent, len(sent) or 1)
    assert isinstance(whole, Cut) or len(whole) <= LIMITS.body_bytes
    pieces = _answered(sent, size + 1)
    assert isinstance(whole, Cut) == isinstance(pieces, Cut)
    assert isinstance(whole, Cut) or whole == pieces


def _answered(sent: bytes, size: int) -> bytes | Cut:
    answer: asyncio.Future[bytes | Cut] = _LOOP.create_future()
    exchange = Exchange(b"GET / HTTP/1.1\r\n\r\n", LIMITS, answer)
    exchange.connection_made(_Line())
    for piece in cut(sent, size):
        exchange.data_received(piece)
    exchange.connection_lost(None)
    return answer.result()


_HEAD = b"POST /nodes/heartbeat?a=b HTTP/1.1\r\nHost: api.example\r\n"
_WORDS = (
    *(
        b"Content-Length: ",
        b"Transfer-Encoding: chunked\r\n",
        b"\r\n\r\n",
        b"0\r\n\r\n",
        b" HTTP/1.0",
    ),
    *(
        b"Upgrade: h2c\r\n",
        b"\r\n ",
        b"Expect: 100-continue\r\n",
        b";x=y",
        b"ffffffff\r\n",
        b"\x00",
    ),
)
HTTP_TARGETS = (
    Target(
        "requests",
        request_law,
        (
            b"\x00GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x06" + _HEAD + b"Content-Length: 5\r\n\r\nhello",
            b"\x02" + _HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
        ),
        3_000,
        _WORDS,
    ),
    Target(
        "replies",
        reply_law,
        (
            b"\x05HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}",
            b"\x00HTTP/1.0 200 OK\r\n\r\n{}",
            b"\xffHTTP/1.0 200 OK\r\n\r\n" + b"x" * LIMITS.body_bytes,
            b"\x03HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            b"\x03HTTP/1.1 301 Moved\r\nLocation: http://x/\r\n\r\n",
        ),
        3_500,
        (*_WORDS, b"HTTP/1.1 200 OK\r\n", b"Content-Encoding: gzip\r\n", b"HTTP/1.1 100 \r\n\r\n"),
    ),
)
