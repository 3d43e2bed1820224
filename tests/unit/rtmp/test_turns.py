"""The word of a server about whose turn it is to come back."""

import pytest

from rtmp.messages import UserControl
from rtmp.turns import TURNS_MAX, Turn, turn_message, turn_of


@pytest.mark.parametrize("turn", [Turn(1, 1), Turn(3, 1_000), Turn(TURNS_MAX, TURNS_MAX)])
def test_a_turn_comes_back_as_it_was_told(turn: Turn) -> None:
    message = turn_message(turn)
    assert int.from_bytes(message.body[:2], "big") == UserControl.TURN
    assert turn_of(message.body) == turn
    assert len(message.body) == 6  # as long as players' own control messages


@pytest.mark.parametrize("body", [b"", b"tu\x00\x01", b"tu\0\0\0\x05", b"tu\0\x06\0\x05"])
def test_nonsense_is_no_turn(body: bytes) -> None:
    assert turn_of(body) is None
