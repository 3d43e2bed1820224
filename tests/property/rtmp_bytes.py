"""Bytes as they come over a connection: whatever they say, in whatever pieces."""

from collections.abc import Iterable

from hypothesis import strategies as st

small = st.binary(max_size=300)
# Chance alone seldom finds a header: most bytes are made of parts that mean something.
headers = st.builds(
    lambda form, channel, time, length, kind, stream: (
        bytes([form << 6 | channel])
        + (time + length.to_bytes(3, "big") + bytes([kind]) + stream)[: (11, 7, 3, 0)[form]]
    ),
    st.integers(0, 3),
    st.integers(0, 9),
    st.sampled_from([bytes(3), b"\x00\x00\x07", b"\xff\xff\xff"]),
    st.integers(0, 800),
    st.sampled_from([0, 1, 2, 3, 4, 5, 6, 8, 9, 17, 18, 20, 22]),
    st.binary(min_size=4, max_size=4),
)


def cut(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    """The data in pieces of these sizes, and the rest of it in one."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [*pieces, data[at:]]


pieces_of = st.lists(st.integers(0, 200), max_size=20)
