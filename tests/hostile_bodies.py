"""Bodies of 60 kB that are no statistics, each of the kind that could take long to refuse."""

from collections.abc import Mapping

BYTES = 60_000
CONNECTION = b'{"name":"s3","status":"connected","connection":"HOST","direction":"OUTPUT"}'


def filled(unit: bytes, head: bytes = b"[", tail: bytes = b"]", times: int = BYTES) -> bytes:
    """As many units as fit, between head and tail."""
    count = min(times, (BYTES - len(head) - len(tail)) // (len(unit) + 1))
    return head + b",".join([unit] * count) + tail


_V08, _V1 = b'{"connections":[', b'{"streams":['
HOSTILE: Mapping[str, bytes] = {
    "empty connections": filled(b"{}", _V08, b"]}"),
    "numbers for connections": filled(b"0", _V08, b"]}"),
    "empty streams": filled(b"{}", _V1, b"]}"),
    "streams of empty connections": filled(b'{"connections":[{}]}', _V1, b"]}"),
    "streams with one wrong each": filled(b'{"connections":[' + CONNECTION + b",0]}", _V1, b"]}"),
    "right until the last": filled(CONNECTION, _V08, b",0]}", 590),
    "right but in mid-handshake": filled(CONNECTION, _V08, b",,0]}", 590),
    "many small ones": filled(b'{"name":"","status":""}', _V08, b",0]}"),
    "commas": filled(b"", _V08, b"]}"),
    "never closed": b"[" * BYTES,
    "objects in objects": _V1[:-1] * 5_000,
    "a long number": b'{"connections":' + b"9" * BYTES + b"}",
    "many names": b"{" + b",".join(b'"%d":0' % at for at in range(4_700)) + b"}",
    "the same name": filled(b'"connections":[{}]', b"{", b"}"),
    "a long text": b'"' + b"x" * BYTES + b'"',
    "escaped text": b'"' + b"\\u00e9" * 9_900 + b'"',
    "long names": filled(b'{"name":"' + b"x" * 1_000 + b'"}', _V08, b"]}"),
    "bytes": bytes(range(256)) * 234,
}
