"""What a connection's bytes must look like before anything parses them."""

import pytest

from api.http.intake import (
    HEAD_BYTES_MAX,
    HEADERS_MAX,
    REQUEST_LINE_BYTES_MAX,
    Awaited,
    Intake,
    RequestRefused,
)

HOST = b"Host: api.example\r\n"


def refusal_of(*parts: bytes) -> int:
    """The status that these bytes are refused with; 0 if they are not."""
    intake = Intake()
    try:
        for part in parts:
            intake.take(part)
            list(intake.pieces())
    except RequestRefused as refused:
        return refused.status
    return 0


def post(*headers: bytes, body: bytes = b"") -> bytes:
    """A request with such headers, behind its Host."""
    return (
        b"POST / HTTP/1.1\r\n" + HOST + b"".join(one + b"\r\n" for one in headers) + b"\r\n" + body
    )


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"\r\n\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET http://api.example/streams?page_size=2 HTTP/1.1\r\n" + HOST + b"\r\n",
        post(b"Content-Length: 2", body=b"{}"),
        post(b"content-length:2 \t", body=b"{}"),
        post(b"Transfer-Encoding: Chunked", body=b"2;why=not\r\n{}\r\n0\r\n\r\n"),
        post(b"Upgrade: h2c", b"Connection: Upgrade", b"Content-Length: 0"),
        post(b"X: " + b"\xff" * 300),
        post(b"If-None-Match: a", b"If-None-Match: b", b"X-Signature: a", b"X-Signature: b"),
        b"GET / HTTP/1.1\r\nHost: [2001:db8::7]:8080\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    ],
)
def test_what_http_allows_is_handed_on(request_bytes: bytes) -> None:
    """To the last byte, and nothing of the next request."""
    intake = Intake()
    intake.take(request_bytes + b"GET /next")
    assert list(intake.pieces())
    assert (intake.part, intake.waiting_bytes) == (Awaited.NOTHING, len(b"GET /next"))


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40) + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: api.example\n\n\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 400),
        (b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"get / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /\x00 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
        (b'GET / HTTP/1.1\r\nHost: a"><script>\r\n\r\n', 400),
        (b"GET / HTTP/1.1\r\nHost: a/b?c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
        (post(b"Authorization: Bearer a", b"AUTHORIZATION: Bearer b"), 400),
        (post(b"Content-Type: application/json", b"content-type: text/plain"), 400),
        (post(b"Idempotency-Key: a", b"X: 1", b"Idempotency-Key: a"), 400),
        (post(b"Signature-Input: a", b"Signature-Input: b"), 400),
        (post(b"Signature: a", b"Signature: b"), 400),
        (post(b"Content-Digest: a", b"Content-Digest: b"), 400),
        (post(b"X : 1"), 400),
        (post(b"X: 1", b" folded"), 400),
        (post(b"X: a\x00b"), 400),
        (post(b": nameless"), 400),
        (post(b"Content-Length: 2", b"Content-Length: 2", body=b"{}"), 400),
        (post(b"Content-Length: 5", b"content-length: 5", body=b"12345"), 400),
        (post(b"Content-Length: +2", body=b"{}"), 400),
        (post(b"Content-Length: 2, 2", body=b"{}"), 400),
        (post(b"Content-Length: -1"), 400),
        (post(b"Content-Length: " + b"9" * 16), 400),
        (post(b"Content-Length: 2", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
        (post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 400),
        (post(b"Transfer-Encoding: identity"), 400),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (post(b"Transfer-Encoding: chunked", body=b"0x2\r\n{}\r\n"), 400),
        (post(b"Transfer-Encoding: chunked", body=b"-2\r\n{}\r\n"), 400),
        (post(b"Transfer-Encoding: chunked", body=b"2;" + b"x" * 300), 400),
        (post(b"Transfer-Encoding: chunked", body=b"0\r\nX-Trailer: 1\r\n\r\n"), 400),
        (b"GET /" + b"x" * REQUEST_LINE_BYTES_MAX + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"x" * REQUEST_LINE_BYTES_MAX, 414),
        (post(*[b"X: 1"] * HEADERS_MAX), 431),
        (post(b"X: " + b"x" * HEAD_BYTES_MAX), 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * HEAD_BYTES_MAX, 431),
    ],
)
def test_what_is_no_request_or_too_much_of_one_is_refused(
    request_bytes: bytes, status: int
) -> None:
    """Whole or byte by byte."""
    assert refusal_of(request_bytes) == status
    assert refusal_of(*(bytes([byte]) for byte in request_bytes)) == status


def test_what_a_client_would_rather_speak_is_passed_over() -> None:
    """A parser stops at an Upgrade, and takes the body for the other protocol."""
    intake = Intake()
    intake.take(post(b"UPGRADE: websocket", b"Content-Length: 2", body=b"{}"))
    head, body = intake.pieces()
    assert b"websocket" not in head
    assert body == b"{}"


def test_requests_that_come_too_early_wait_up_to_a_bound() -> None:
    """They are next once the one before is answered."""
    intake = Intake()
    intake.take(post() + post(b"X: second"))
    assert len(list(intake.pieces())) == 1
    intake.take(bytes(HEAD_BYTES_MAX - len(post(b"X: second"))))
    with pytest.raises(RequestRefused):
        intake.take(b"x")
    intake.begin()
    assert b"second" in next(intake.pieces())
