"""Text in a document's field, compressed. Deterministic for equal input."""

import zlib

FAST, SMALL = 1, 6
"""Levels of compression: FAST takes a fourth of the time of SMALL, and an eighth more bytes."""
UNPACKED_BYTES_MAX = 32 * 1024 * 1024


def deflated(text: bytes, level: int = SMALL) -> bytes:
    """The text, compressed."""
    return zlib.compress(text, level)


def inflated(packed: bytes) -> bytes:
    """The text that was compressed; ValueError if it is damaged or unreasonably large."""
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(packed, UNPACKED_BYTES_MAX)
    except zlib.error as error:
        raise ValueError(f"a packed field is damaged: {error}") from error
    if inflater.unconsumed_tail or not inflater.eof:
        raise ValueError("a packed field is cut short or too large")
    return text
