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


def bits_of(positions: list[int]) -> int:
    """A bitmap as a big integer: bit i is set for every i given."""
    bitmap = bytearray(max(positions, default=-1) // 8 + 1)
    for position in positions:
        bitmap[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(bitmap, "little")


def bitmap_bytes(bits: int) -> bytes:
    """The bitmap's shortest little-endian form, as stored."""
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def bitmap_from(stored: bytes) -> int:
    """The bitmap that `bitmap_bytes` stored."""
    return int.from_bytes(stored, "little")
