"""The simple handshake (section 5.2), both sides."""

from typing import Protocol

from rtmp.errors import RtmpError

VERSION = 3
PART_BYTES = 1536
"""Of C1, S1, C2 and S2 each; C0 and S0 are one byte."""
_ANSWER_BYTES = 1 + 2 * PART_BYTES


class Handshake(Protocol):
    """One side of it."""

    greeting: bytes
    """To be sent first."""
    is_done: bool
    rest: bytes
    """What came behind the handshake."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the peer; gives what has to be answered. Raises RtmpError."""


class ClientHandshake:
    """C0 and C1 out; S0, S1 and S2 in; C2 out."""

    def __init__(self, c1: bytes = bytes(PART_BYTES)) -> None:
        """`c1` is what the client says: a time, four zeros and 1528 bytes of its choice."""
        if len(c1) != PART_BYTES:
            raise RtmpError(f"C1 has {PART_BYTES} bytes, and not {len(c1)}")
        self.greeting = bytes([VERSION]) + c1
        """C0 and C1, to be sent first."""
        self._answer = bytearray()
        self.is_done = False
        self.rest = b""
        """What came behind the handshake."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the server; gives C2 once its answer is whole. Raises RtmpError.

        S2 should repeat C1, but several servers send something else: it is not compared.
        """
        if self.is_done:
            raise RtmpError("the handshake is over")
        missing = _ANSWER_BYTES - len(self._answer)
        self._answer += data[:missing]
        if self._answer and self._answer[0] != VERSION:
            raise RtmpError(f"it answers with version {self._answer[0]}, and not {VERSION}")
        if len(self._answer) < _ANSWER_BYTES:
            return b""
        self.is_done, self.rest = True, data[missing:]
        return bytes(self._answer[1 : 1 + PART_BYTES])


class ServerHandshake:
    """C0 and C1 in; S0, S1 and S2 out; C2 in."""

    def __init__(self, s1: bytes = bytes(PART_BYTES)) -> None:
        """`s1` is what the server says: a time, four zeros and 1528 bytes of its choice."""
        if len(s1) != PART_BYTES:
            raise RtmpError(f"S1 has {PART_BYTES} bytes, and not {len(s1)}")
        self.greeting = b""
        """A server speaks second."""
        self._s1 = s1
        self._heard = bytearray()
        self._is_answered = False
        self.is_done = False
        self.rest = b""
        """What came behind the handshake."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the client; gives S0, S1 and S2 once C1 is whole. Raises RtmpError.

        S2 repeats C1. C2 should repeat S1, but ffmpeg and GStreamer change it: it is not compared.
        """
        if self.is_done:
            raise RtmpError("the handshake is over")
        missing = 1 + 2 * PART_BYTES - len(self._heard)
        self._heard += data[:missing]
        if self._heard and self._heard[0] != VERSION:
            raise RtmpError(f"it begins with version {self._heard[0]}, and not {VERSION}")
        if len(data) >= missing:
            self.is_done, self.rest = True, data[missing:]
        if self._is_answered or len(self._heard) < 1 + PART_BYTES:
            return b""
        self._is_answered = True
        return bytes([VERSION]) + self._s1 + bytes(self._heard[1 : 1 + PART_BYTES])
