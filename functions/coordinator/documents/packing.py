"""Many small rows in one document field: JSON, compressed. Deterministic for equal input."""

import json
import zlib
from typing import Any

UNPACKED_BYTES_MAX = 32 * 1024 * 1024


def pack(value: Any, level: int = 6) -> bytes:
    """Compressed JSON of plain lists, dicts, strings, numbers and None.

    `level` 1 takes a quarter of the time of 6 and leaves an eighth more bytes."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return zlib.compress(text.encode(), level)


def unpack(packed: bytes) -> Any:
    """The value that was packed; ValueError if it is damaged or unreasonably large."""
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(packed, UNPACKED_BYTES_MAX)
    except zlib.error as error:
        raise ValueError(f"a packed field is damaged: {error}") from error
    if inflater.unconsumed_tail or not inflater.eof:
        raise ValueError("a packed field is cut short or too large")
    return json.loads(text)
