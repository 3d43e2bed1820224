"""Requests are cut where they end, in whatever pieces they come, and as another parser does."""

import contextlib

from hypothesis import example, given
from hypothesis import strategies as st

from api.http.intake import HEAD_BYTES_MAX, Awaited, Intake, RequestRefused
from tests.cut_requests import hold_to_h11, taken

CHUNKED = b"Transfer-Encoding: chunked\r\n"
names = st.sampled_from(
    [b"X", b"Accept", b"content-length", b"Host", b"transfer-encoding", b"Upgrade"]
)
values = st.sampled_from([b"1", b"", b"chunked", b"a b", b"\xff", b"x, y"]) | st.binary(max_size=6)
methods = st.sampled_from([b"GET", b"POST", b"OPTIONS", b"CONNECT", b"g", b""])
targets = st.sampled_from([b"/", b"*", b"/a?b=%0A", b"http://x/y", b"/\x7f", b"//"])
lines = st.builds(lambda name, value: name + b": " + value + b"\r\n", names, values)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Nearly right ones: about half of them may be answered."""
    line = (
        draw(methods) + b" " + draw(targets) + draw(st.sampled_from([b" HTTP/1.1", b" HTTP/1.0"]))
    )
    head = line + b"\r\nHost: api.example\r\n" + b"".join(draw(st.lists(lines, max_size=2)))
    body = draw(st.binary(max_size=30))
    match draw(st.integers(0, 3)):
        case 0:
            return head + b"\r\n"
        case 1:
            return head + CHUNKED + b"\r\n" + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        case 2:
            return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    return head + b"\r\n" + body


@given(requests(), st.lists(st.integers(0, 500), max_size=9))
def test_pieces_change_nothing(sent: bytes, cuts: list[int]) -> None:
    """As many or as few bytes at a time as there may be."""
    assert taken(sent, cuts) == taken(sent, [])


@given(st.lists(st.binary(max_size=400), max_size=200))
@example([b"GET / HTTP/1.1\r\nX: "] + [b"x" * 400] * 60)
@example([b"\r\n" * 200] * 200)
def test_what_is_kept_of_bytes_that_end_nowhere_is_bounded(parts: list[bytes]) -> None:
    """Whatever they are."""
    intake = Intake()
    with contextlib.suppress(RequestRefused):
        for part in parts:
            intake.take(part)
            list(intake.pieces())
            assert intake.waiting_bytes <= HEAD_BYTES_MAX + 400


@given(requests())
def test_another_parser_reads_the_same_in_what_is_handed_on(sent: bytes) -> None:
    """h11 ends the request and its body where the intake does: no request hides in another."""
    found = taken(sent, [])
    if isinstance(found, int) or found[1] is not Awaited.NOTHING:
        return
    hold_to_h11(found[0])
