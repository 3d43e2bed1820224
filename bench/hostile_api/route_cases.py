"""Every route as every caller, with every method, and with strange words in its path and query."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bench.hostile_api.case import INGEST_KEY, NODE, SPONSOR_KEY, Case, request

_PARAMETER = re.compile(r"\{[^}]*\}")
KEYS = {"sponsorKey": SPONSOR_KEY, "nodeSignature": NODE, "ingestKey": INGEST_KEY}
AUTHORIZATIONS = ("", "Bearer", "Bearer ", "Basic Zm9vOmJhcg==", "bearer\tx", "Token x", "x" * 4000)
WORDS = (
    *("%C0%AE%C0%AE", "%252e%252e", ";x=1", "%E2%80%8B", "~", "CON"),
    *(
        "..",
        "%2e%2e%2fetc%2fpasswd",
        "%00",
        "%0A",
        "%0d%0aX:%20y",
        "%ff",
        "%F0%9F%98%80",
        "%E2%80%AE",
    ),
    *(
        "'%20OR%201=1--",
        "%3Cscript%3E",
        "x" * 300,
        "-1",
        "9" * 40,
        "null",
        "{}",
        "$ne",
        "a%2Fb",
        "__x__",
    ),
)
QUERIES = (
    *("page_size=0", "page_size=-1", "page_size=x", "page_size=1e9", "page_size=" + "9" * 50),
    *(
        "page_token=" + "x" * 500,
        "page_token=%00",
        "page_token=%ff",
        "a=" + "b" * 1500,
        "&&&",
        "=",
        "%",
    ),
    *("page_size=1&page_size=-1", "stream_id=" + "x" * 65, "page_token=../../etc"),
)
METHODS = ("PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "LINK")
BODIES = (
    *(
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"7",
        b"\xff\xfe",
        b"{}",
        b'{"a":1}',
        b"NaN",
        b"[" * 50_000,
        b"x" * 66_000,
    ),
    *(
        b'{"stream_id":"\\ud800"}',
        b'{"name":"\\u0000"}',
        b'{"amount":1e400}',
        b'{"amount":-1}',
        b'{"amount":"1","amount":"2"}',
        b'{"a":{"b":1,"b":1}}',
        "{}".encode("utf-16"),
        b"{}\x00",
        b"/**/{}",
        b"1" * 5000,
    ),
    *(
        b'{"__proto__":{}}',
        b'{"name":' + b'"' + b"x" * 60_000 + b'"}',
        b'{"a":' * 2_000,
        b"\xef\xbb\xbf{}",
    ),
)
REFUSED = frozenset({400, 403, 404, 409, 413, 414, 422, 429})
ANSWERED = REFUSED | {200, 204, 308, 405}


def cases(document: Mapping[str, Any]) -> Iterator[Case]:
    """Of all that the api's own document names."""
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method.lower() not in operations:
                yield Case(
                    "methods", f"{method} {path}", request(method, _filled(path, "x")), {405, 400}
                )
        for name, operation in operations.items():
            yield from _operation(name.upper(), path, operation)


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[Case]:
    schemes = [scheme for one in operation.get("security", []) for scheme in one]
    for word in WORDS if "{" in path else ():
        key = KEYS[schemes[0]] if schemes else None
        sent = request(method, _filled(path, word), key=key)
        yield Case("paths", f"{method} {path} {word[:20]}", sent, ANSWERED)
    for query in QUERIES if method == "GET" else ():
        sent = request(
            method, f"{_filled(path, 'x')}?{query}", key=KEYS[schemes[0]] if schemes else None
        )
        yield Case("queries", f"{path}?{query[:20]}", sent, ANSWERED)
    if not schemes:
        for authorization in AUTHORIZATIONS:
            sent = request(method, _filled(path, "x"), headers={"Authorization": authorization})
            yield Case("callers", f"{method} {path} as {authorization[:12]!r}", sent, ANSWERED)
        return
    place = _filled(path, "x")
    for authorization in AUTHORIZATIONS:
        sent = request(method, place, raw=b"not JSON", headers={"Authorization": authorization})
        yield Case("callers", f"{method} {path} as {authorization[:12]!r}", sent, {401})
    for scheme, key in KEYS.items():
        if scheme != schemes[0]:
            refused = {401} if NODE in (key, KEYS[schemes[0]]) else {403}
            sent = request(method, place, key=key, raw=b"not JSON")
            yield Case("callers", f"{method} {path} as of {scheme}", sent, refused)
    for body in BODIES if "requestBody" in operation else ():
        sent = request(method, place, key=KEYS[schemes[0]], raw=body)
        yield Case("bodies", f"{method} {path} {body[:20]!r}", sent, REFUSED)


def _filled(path: str, word: str) -> str:
    """The path with a word for each of its parameters."""
    return _PARAMETER.sub(lambda _: word, path)
