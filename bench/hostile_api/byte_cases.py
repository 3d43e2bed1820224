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
