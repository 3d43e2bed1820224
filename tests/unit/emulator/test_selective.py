"""Cheats that choose whom they serve."""

import asyncio

from emulator.cheats.selective import HELLO_BYTES, SecondCaller, no_player
from rtmp.player_handshake import PlayerHandshake


def heard(said: bytes) -> asyncio.StreamReader:
    """What a caller has said."""
    reader = asyncio.StreamReader()
    reader.feed_data(said)
    return reader


async def test_who_calls_alone_is_turned_away_and_who_calls_again_is_served() -> None:
    """So a check fails, and its retest at once passes."""
    admit = SecondCaller()
    assert await admit(heard(b"")) is None
    assert await admit(heard(b"")) == b""


async def test_who_says_hello_as_ffmpeg_does_gets_nothing_from_who_looks_for_checks() -> None:
    """The prober's own reader does so too: to this cheat it is a player like all."""
    begun = PlayerHandshake().greeting
    assert await no_player(heard(begun)) is None
    other = b"\x03" + bytes(HELLO_BYTES - 1)
    assert await no_player(heard(other)) == other
