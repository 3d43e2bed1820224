"""The client's side of the handshake, in whatever pieces the server's side comes."""

import pytest

from rtmp.errors import RtmpError
from rtmp.handshake import PART_BYTES, ClientHandshake

S1 = bytes(range(256)) * 6
ANSWER = b"\x03" + S1 + bytes(PART_BYTES)


@pytest.mark.parametrize("piece_bytes", [1, 2, 1535, 1537, 5000])
def test_the_server_s_part_is_repeated_once_its_answer_is_whole(piece_bytes: int) -> None:
    """C2 is S1, and what comes behind S2 is kept for whoever reads on."""
    handshake = ClientHandshake()
    assert handshake.greeting == b"\x03" + bytes(PART_BYTES)
    said, rest, stream = b"", b"", ANSWER + b"and more"
    for at in range(0, len(stream), piece_bytes):
        piece = stream[at : at + piece_bytes]
        if handshake.is_done:
            rest += piece
        else:
            said += handshake.feed(piece)
    assert handshake.is_done
    assert said == S1
    assert handshake.rest + rest == b"and more"


def test_an_answer_that_is_not_whole_is_waited_for() -> None:
    """Nothing is said before the last byte."""
    handshake = ClientHandshake()
    assert handshake.feed(ANSWER[:-1]) == b""
    assert not handshake.is_done
    assert handshake.feed(ANSWER[-1:]) == S1


def test_another_protocol_is_refused_by_its_first_byte() -> None:
    """An HTTP server would else be waited for until it closes."""
    with pytest.raises(RtmpError, match="version 72"):
        ClientHandshake().feed(b"HTTP/1.1 400 Bad Request")


def test_a_handshake_is_done_once() -> None:
    """And begun with a C1 of the right size."""
    handshake = ClientHandshake()
    handshake.feed(ANSWER)
    with pytest.raises(RtmpError, match="is over"):
        handshake.feed(b"\x03")
    with pytest.raises(RtmpError, match="C1 has 1536 bytes"):
        ClientHandshake(bytes(3))
