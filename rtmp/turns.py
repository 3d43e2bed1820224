"""A server's word to each who plays from it: how many they are, and whose turn is when.

A server that restarts loses all its players at one moment, and each knows when that was. If the
first comes back at once and each of the others a moment later, nobody meets anybody, and few are
back sooner than many. It is a user control message (section 7.1.7) with an event type of our own.
Players ignore events that they do not know; this has the six bytes of an ordinary one.
"""

from typing import NamedTuple

from rtmp.messages import Message, UserControl, user_control

TURNS_MAX = 65_535
"""What fits into the message; an ingest has a tenth of the places."""


class Turn(NamedTuple):
    """One of `of` who play, counted from 1."""

    place: int
    of: int


def turn_message(turn: Turn) -> Message:
    """To send, for turns up to TURNS_MAX."""
    data = turn.place.to_bytes(2, "big") + turn.of.to_bytes(2, "big")
    return user_control(UserControl.TURN, data)


def turn_of(body: bytes) -> Turn | None:
    """A turn that was told; None for what cannot be one."""
    turn = Turn(int.from_bytes(body[2:4], "big"), int.from_bytes(body[4:6], "big"))
    return turn if 1 <= turn.place <= turn.of else None
