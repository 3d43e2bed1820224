"""The handshake of ffmpeg, mpv and VLC, byte for byte: a server cannot tell ours from a viewer's.

Players send one fixed sequence with a digest in it, and hold a server to its digest if the server
says that it knows them. The specification has none of this: it is how Flash players began, and
libavformat's `rtmpproto.c` is where the numbers are from.
"""

import hmac
from collections.abc import Iterator
from functools import cache
from hashlib import md5
from itertools import islice

from rtmp.errors import RtmpError
from rtmp.handshake import PART_BYTES, VERSION

_SECRET = bytes.fromhex("f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae")
_PLAYER_NAME = b"Genuine Adobe Flash Player 001"
_SERVER_NAME = b"Genuine Adobe Flash Media Server 001"
_PLAYER_VERSION = bytes((9, 0, 124, 2))
_SEED = 0xDEADC0DE
_DIGEST_BYTES = 32
_PLACES = (8, 772)
"""Where a part says in which of 728 places behind it its digest lies."""
_WITH_DIGEST = 3
"""The first byte of a server's version from which on it has to have a digest."""
_STATES, _UNSEEDED, _SHORT, _LONG = 64, 8, 24, 55


class PlayerHandshake:
    """C0 and C1 out; S0, S1 and S2 in; C2 out."""

    def __init__(self) -> None:
        self.greeting = bytes([VERSION]) + _c1()
        """C0 and C1, to be sent first."""
        self._answer = bytearray()
        self.is_done = False
        self.rest = b""
        """What came behind the handshake."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the server; gives C2 once its answer is whole. Raises RtmpError.

        A server with a digest is held to it, and S2 of another one is not compared.
        """
        if self.is_done:
            raise RtmpError("the handshake is over")
        missing = 1 + 2 * PART_BYTES - len(self._answer)
        self._answer += data[:missing]
        if self._answer and self._answer[0] != VERSION:
            raise RtmpError(f"it answers with version {self._answer[0]}, and not {VERSION}")
        if len(self._answer) < 1 + 2 * PART_BYTES:
            return b""
        self.is_done, self.rest = True, data[missing:]
        return _c2(bytes(self._answer[1 : 1 + PART_BYTES]), bytes(self._answer[1 + PART_BYTES :]))


def _c2(s1: bytes, s2: bytes) -> bytes:
    if s1[4] < _WITH_DIGEST:
        return s1
    place = _place_of_digest(s1)
    ours = _place(_c1(), _PLACES[0])
    key = _hmac(_SERVER_NAME + _SECRET, _c1()[ours : ours + _DIGEST_BYTES])
    if place is None or _hmac(key, s2[:-_DIGEST_BYTES]) != s2[-_DIGEST_BYTES:]:
        raise RtmpError("it has another digest than servers have")
    said = _chance(2)[:-_DIGEST_BYTES]
    key = _hmac(_PLAYER_NAME + _SECRET, s1[place : place + _DIGEST_BYTES])
    return said + _hmac(key, said)


def _place_of_digest(part: bytes) -> int | None:
    """Where a server's digest lies; None if it has none."""
    for offset in reversed(_PLACES):
        place = _place(part, offset)
        if _digest(_SERVER_NAME, part, place) == part[place : place + _DIGEST_BYTES]:
            return place
    return None


def _place(part: bytes, offset: int) -> int:
    return sum(part[offset : offset + 4]) % 728 + offset + 4


def _digest(key: bytes, part: bytes, place: int) -> bytes:
    """Of a part but for the digest itself."""
    return _hmac(key, part[:place] + part[place + _DIGEST_BYTES :])


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


@cache
def _c1() -> bytes:
    part = bytes(4) + _PLAYER_VERSION + _chance(1)[8:]
    place = _place(part, _PLACES[0])
    digest = _digest(_PLAYER_NAME, part, place)
    return part[:place] + digest + part[place + _DIGEST_BYTES :]


@cache
def _chance(number: int) -> bytes:
    """The first or second part of what libavformat draws; the same in every process."""
    drawn = _drawn()
    first = bytes(8) + bytes(islice(drawn, PART_BYTES - 8))
    return first if number == 1 else bytes(islice(drawn, PART_BYTES))


def _drawn() -> Iterator[int]:
    """libavutil's lagged Fibonacci generator (`lfg.c`), a byte of each number."""
    states = [0] * _UNSEEDED
    block = bytearray(16)
    for n in range(_UNSEEDED, _STATES, 4):
        block[:4] = _SEED.to_bytes(4, "little")
        block[4] = n
        block[:] = md5(block, usedforsecurity=False).digest()
        states += (int.from_bytes(block[at : at + 4], "little") for at in range(0, 16, 4))
    at = 0
    while True:
        number = (states[(at - _SHORT) % _STATES] + states[(at - _LONG) % _STATES]) % 2**32
        states[at % _STATES] = number
        at += 1
        yield number >> 24
