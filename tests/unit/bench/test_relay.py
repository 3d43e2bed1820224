"""What the measurement of the relay counts, and what it sends."""

import pytest

from bench.node.crowd import HALF_BYTES, half_message
from bench.node.relay_return import peak
from rtmp.chunks import ChunkReader
from rtmp.server import CLIENT_LIMITS


@pytest.mark.parametrize(
    ("moments_s", "most"),
    [
        ([], 0),
        ([5.0], 1),
        ([0.0, 0.9, 1.0, 1.5, 1.8, 9.0], 4),
        ([3.0, 1.0, 2.0], 1),
    ],
)
def test_a_peak_is_the_most_within_any_second(moments_s: list[float], most: int) -> None:
    """Seconds begin anywhere: a crowd on both sides of a full second is one crowd."""
    assert peak(moments_s) == most


def test_half_a_message_is_all_that_a_player_may_leave_open() -> None:
    reader = ChunkReader(CLIENT_LIMITS)
    reader.feed(half_message())
    assert reader.next_message() is None
    assert reader.kept_bytes == HALF_BYTES - 1
    reader.feed(b"\x00")
    assert reader.next_message() is not None
