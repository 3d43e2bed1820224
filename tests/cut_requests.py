"""Requests as the api's intake cuts them, and as another parser reads what it hands on."""

from itertools import pairwise

import h11

from api.http.intake import Awaited, Intake, RequestRefused


def taken(sent: bytes, cuts: list[int]) -> tuple[bytes, Awaited] | int:
    """What is handed on of bytes that come in pieces, and what is waited for; or the refusal."""
    intake, handed = Intake(), b""
    edges = sorted({0, len(sent), *(cut % (len(sent) + 1) for cut in cuts)})
    try:
        for begin, end in pairwise(edges):
            if intake.part is Awaited.NOTHING:
                break
            intake.take(sent[begin:end])
            handed += b"".join(intake.pieces())
    except RequestRefused as refused:
        return refused.status
    return handed, intake.part


def hold_to_h11(handed: bytes) -> None:
    """h11 ends the request and its body where the intake does: no request hides in another."""
    other = h11.Connection(h11.SERVER)
    other.receive_data(handed)
    event = other.next_event()
    assert isinstance(event, h11.Request)
    while not isinstance(event := other.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data)
    assert other.trailing_data == (b"", False)
