"""Bitmaps: big integers with a bit for each slot, how they are stored, and how they are transposed.

A day of minutes of ten thousand nodes is fourteen million bits. Python has no loop that is fast
enough for them one by one, but its integers shift and mask megabytes at once. The matrix is laid
out in blocks of 8 x 8 bits, and all blocks are transposed together in three steps.
"""

from collections.abc import Sequence

_STEPS = (
    (7, 0x00AA00AA00AA00AA),
    (14, 0x0000CCCC0000CCCC),
    (28, 0x00000000F0F0F0F0),
)
"""Distances and masks that swap 1 x 1, 2 x 2 and 4 x 4 blocks of an 8 x 8 matrix (Hacker's
Delight, 7-3); byte i of a block is its row i."""


def transposed(rows: Sequence[int], width: int) -> list[int]:
    """The transpose: bit i of the j-th integer is bit j of `rows[i]`, for 0 <= j < width.

    Rows must not have bits beyond `width`."""
    if not any(rows):
        return [0] * width
    bytes_a_row = (width + 7) // 8
    groups = (len(rows) + 7) // 8
    bytes_a_group = 8 * bytes_a_row
    blocks = bytearray(groups * bytes_a_group)
    for at, row in enumerate(rows):
        start = at // 8 * bytes_a_group + at % 8
        end = start - at % 8 + bytes_a_group
        blocks[start:end:8] = row.to_bytes(bytes_a_row, "little")
    bits = int.from_bytes(blocks, "little")
    for distance, mask_of_block in _STEPS:
        mask = int.from_bytes(mask_of_block.to_bytes(8, "little") * (len(blocks) // 8), "little")
        moved = (bits ^ (bits >> distance)) & mask
        bits ^= moved ^ (moved << distance)
    turned = bits.to_bytes(len(blocks), "little")
    return [int.from_bytes(turned[at::bytes_a_group], "little") for at in range(width)]


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
