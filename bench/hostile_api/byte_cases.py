"""Bytes that are no request, requests in another's, addresses of callers, and names."""

from collections.abc import Iterator

from bench.hostile_api.case import NODE, SPONSOR_KEY, Case, request

HOST = b"Host: api.example\r\nConnection: close\r\n"
HEALTH = b"GET /health HTTP/1.1\r\n" + HOST
POST = b"POST /streams HTTP/1.1\r\n" + HOST
HIDDEN = b"GET /hidden HTTP/1.1\r\n" + HOST + b"\r\n"
RAW: dict[str, tuple[bytes, int]] = {
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(60) + b"\r\n\r\n", 400),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "no version": (b"GET /health\r\n" + HOST + b"\r\n", 400),
    "a later version": (b"GET /health HTTP/3.0\r\n" + HOST + b"\r\n", 400),
    "line feeds alone": (b"GET /health HTTP/1.1\nHost: a\n\n\r\n\r\n", 400),
    "two spaces": (b"GET  /health HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a lower-case method": (b"get /health HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a long method": (b"G" * 30 + b" / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "NUL in the target": (b"GET /\x00 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "bytes beyond ASCII in the target": (b"GET /\xe9 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "CONNECT": (b"CONNECT 10.0.0.7:22 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "no Host": (b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
    "two Hosts": (HEALTH + b"Host: b\r\n\r\n", 400),
    "a folded header": (HEALTH + b"X: a\r\n b\r\n\r\n", 400),
    "a space before the colon": (HEALTH + b"X : a\r\n\r\n", 400),
    "a header without a name": (HEALTH + b": a\r\n\r\n", 400),
    "a header without a colon": (HEALTH + b"X\r\n\r\n", 400),
    "NUL in a header": (HEALTH + b"X: \x00\r\n\r\n", 400),
    "a bare return in a header": (HEALTH + b"X: a\rY: b\r\n\r\n", 400),
    "a Host of markup": (b'GET /health HTTP/1.1\r\nHost: a"><b>\r\n\r\n', 400),
    "a Host with a path": (b"GET /streams/ HTTP/1.1\r\nHost: a/b?c\r\n\r\n", 400),
    "a Host with a user": (b"GET /health HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    "an empty Host": (b"GET /health HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", 200),
    "two keys": (POST + b"Authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n", 400),
    "two types": (POST + b"Content-Type: application/json\r\nContent-Type: a/b\r\n\r\n", 400),
    "two idempotency keys": (POST + b"Idempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n", 400),
    "two signatures": (POST + b"Signature: a\r\nSignature: b\r\n\r\n", 400),
    "two signature inputs": (POST + b"Signature-Input: a\r\nSignature-Input: b\r\n\r\n", 400),
    "two digests": (POST + b"Content-Digest: a\r\nContent-Digest: b\r\n\r\n", 400),
    "a whole address": (b"GET http://b.example/health HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "an address with a user": (b"GET http://a:b@c/health HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "an address without a path": (b"GET http://b.example HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "an address with an open bracket": (b"GET http://[::1/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "an address with a large port": (b"GET http://a:99999/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a query alone": (b"GET ?a=b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "two slashes": (b"GET //b.example/health HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "a backslash": (b"GET /\\health HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "a half escape": (b"GET /%zz HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "HTTP/1.0": (b"GET /health HTTP/1.0\r\n\r\n", 200),
    "HTTP/1.0 that stays": (b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200),
    "a word to wait for": (HEALTH + b"Expect: 200-ok\r\n\r\n", 200),
    "an upgrade to HTTP/2": (HEALTH + b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", 200),
    "an upgrade to WebSocket": (HEALTH + b"Upgrade: websocket\r\n\r\n", 200),
    "a body that nobody asked for": (HEALTH + b"Content-Length: 3\r\n\r\nabc", 200),
    "a request in a body": (
        HEALTH + b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
        200,
    ),
    "another method in a header": (HEALTH + b"X-HTTP-Method-Override: DELETE\r\n\r\n", 200),
    "a coding by another name": (HEALTH + b"Transfer_Encoding: chunked\r\n\r\n", 200),
    "a thousand ranges": (HEALTH + b"Range: bytes=0-" + b",1-2" * 1_000 + b"\r\n\r\n", 200),
    "a thousand tags": (HEALTH + b"If-None-Match: " + b'W/"a",' * 1_000 + b"\r\n\r\n", 200),
    "empty lines first": (b"\r\n" * 2_000 + HEALTH + b"\r\n", 200),
    "no coding": (POST + b"Transfer-Encoding:\r\n\r\n", 400),
    "a coding with a weight": (POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 400),
    "no length": (POST + b"Content-Length:\r\n\r\n", 400),
    "a length in other digits": (POST + "Content-Length: \u0663\r\n\r\nabc".encode(), 400),
    "65 headers": (HEALTH + b"X: a\r\n" * 65 + b"\r\n", 431),
    "a header of 16 KiB": (HEALTH + b"X: " + b"a" * 17_000 + b"\r\n\r\n", 431),
    "a target of 3 kB": (b"GET /" + b"a" * 3_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345", 400),
    "one length twice": (POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n12345", 400),
    "a list of lengths": (POST + b"Content-Length: 5, 5\r\n\r\n12345", 400),
    "a signed length": (POST + b"Content-Length: +5\r\n\r\n12345", 400),
    "a length in hex": (POST + b"Content-Length: 0x5\r\n\r\n12345", 400),
    "a length of 16 digits": (POST + b"Content-Length: " + b"9" * 16 + b"\r\n\r\n", 400),
    "length and chunks": (
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
        400,
    ),
    "chunks and length": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN,
        400,
    ),
    "two codings": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "coding twice": (
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        400,
    ),
    "an unknown coding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "a hidden coding": (POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "chunks in HTTP/1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
}
CHUNKS = (
    *(
        b"x\r\n",
        b"-1\r\n",
        b"0x5\r\n12345\r\n",
        b"5;" + b"x" * 300,
        b"fffffffff\r\n",
        b"5\r\n123456\r\n",
    ),
    *(b"5 5\r\n", b"\r\n", b"0\r\nX: trailer\r\n\r\n", b" 5\r\n12345\r\n", b"5\n12345\n0\n\n"),
)
FORWARDED = {
    "127.0.0.9:4711": "127.0.0.9",
    "[::1]:4711": "::1",
    "[::ffff:127.0.0.9]": "127.0.0.9",
    "::FFFF:127.0.0.9": "127.0.0.9",
    "203.0.114.7, 127.0.0.9": "127.0.0.9",
    '"127.0.0.9"': "127.0.0.9",
    "unknown": "PUBLIC_STATS_URL",
    "_hidden": "PUBLIC_STATS_URL",
    "": "PUBLIC_STATS_URL",
    "203.0.114.7, ": "PUBLIC_STATS_URL",
    "fe80::1%eth0": "PUBLIC_STATS_URL",
    "127.1": "PUBLIC_STATS_URL",
    "0x7f000001": "PUBLIC_STATS_URL",
    "127.0.0.9:http": "PUBLIC_STATS_URL",
    "api.example": "PUBLIC_STATS_URL",
    "127.0.0.9 127.0.0.8": "PUBLIC_STATS_URL",
    "x" * 4000: "PUBLIC_STATS_URL",
}
WRONG_NAMES = (
    *(
        "",
        " ",
        "\u3000",
        "\u3164",
        "\u115f\u1160",
        "\uffa0",
        "\u2800",
        "\u200b",
        "\u200c",
        "\u200d",
    ),
    *("\ufeff", "\u2060", "so\u00adft", "\u0301", "a \u0301", "\ufe0f", "safe\u202egnp", "\u202ax"),
    *(
        "\u2066x\u2069",
        "\u200ex",
        "x\u200f",
        "\u061cx",
        "a\u200db",
        "a\nb",
        "a\tb",
        "a\u2028b",
        "\x00",
    ),
    *(
        "\x7f",
        "\x9f",
        "\ufffe",
        "\ue000",
        "a\u180eb",
        "a\ufff9b",
        "\U000e0067",
        "x" * 101,
        "\u17b4",
    ),
)
RIGHT_NAMES = (
    *(
        "Main stage",
        "x",
        "Ünïcödé",
        "a\u0301",
        "می\u200cخواهم",
        "主舞台",
        "ที่นี่",
        "क्\u200dष",
        "<b>&\"'",
    ),
    *(
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\U0001f3f3\ufe0f\u200d\U0001f308",
        "../../etc",
        "{{7*7}}",
    ),
)


def cases(stream_id: str) -> Iterator[Case]:
    """Of all these."""
    for name, (sent, status) in RAW.items():
        yield Case("raw", name, sent, {status})
    for chunk in CHUNKS:
        head = POST + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
        key = b"Authorization: Bearer " + SPONSOR_KEY.encode() + b"\r\n\r\n"
        yield Case(
            "raw",
            f"chunk {chunk[:12]!r}",
            head + key + chunk,
            {400} if b"\r\n" in chunk else {400, 408},
        )
    beat = {"stream_id": stream_id, "stats_port": 8080, "rtmp_port": 1935}
    for told, says in FORWARDED.items():
        headers = {"X-Forwarded-For": told}
        sent = request("POST", "/nodes/heartbeat", key=NODE, body=beat, headers=headers)
        yield Case("callers' addresses", told[:40], sent, {409, 422}, says)
    stream = {"token_balance": "1", "reward_per_node_hour": "1"}
    for names, statuses in ((WRONG_NAMES, {422}), (RIGHT_NAMES, {201})):
        for name in names:
            sent = request("POST", "/streams", key=SPONSOR_KEY, body={**stream, "name": name})
            yield Case("names", ascii(name)[:40], sent, statuses)
