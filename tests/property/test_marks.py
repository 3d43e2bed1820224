"""Whatever was done to a signed stream on its way, some mark does not fit."""

from hypothesis import given
from hypothesis import strategies as st

from rtmp.errors import RtmpError
from rtmp.flv import payload_of
from rtmp.mark_follower import MarkFinding, MarkFollower
from rtmp.marks import MARK_NAME, is_mark, parse_mark
from rtmp.messages import Message, MessageKind
from tests.signed_streams import (
    HEADERS,
    PUBLIC_KEY,
    STREAM,
    changed,
    findings,
    picture,
    show,
    signed,
    sound,
    verify,
    writer,
)

packets = st.lists(
    st.one_of(
        st.sampled_from(HEADERS),
        st.builds(picture, st.integers(0, 30), is_key=st.booleans()),
        st.builds(sound, st.integers(0, 30)),
    ),
    max_size=30,
)
"""With repetitions: silence and still pictures repeat themselves."""
streams = st.builds(signed, packets, st.integers(1, 9))
every = st.integers(1, 9)


def fits(messages: list[Message], stream: str = STREAM) -> bool:
    """Whether a follower finds nothing wrong, though two more marks come."""
    return set(findings(messages, stream)) == {MarkFinding.FITS}


def followed(every: int) -> list[Message]:
    """A show, signed, with two intervals behind it that nobody touches."""
    return signed([*show(9), *(picture(n) for n in range(100, 100 + 2 * every))], every)


def place(data: st.DataObject, messages: list[Message], every: int) -> int:
    """Where something is done: behind what may be otherwise for a newcomer, before the end."""
    mark = next(n for n, each in enumerate(messages) if is_mark(each))
    first = max(mark, messages.index(picture(0, is_key=True))) + 1
    return data.draw(st.integers(first, len(messages) - 2 * every - 4))


@given(packets=packets, every=every)
def test_what_was_signed_fits(packets: list[Message], every: int) -> None:
    """Whatever the packets are, and wherever the marks come."""
    assert fits(signed(packets, every) if packets else signed(show(1), every))


@given(packets=packets, every=every)
def test_a_newcomer_s_stream_fits(packets: list[Message], every: int) -> None:
    """From any picture on, with headers as they stood there before it."""
    messages = signed([*HEADERS, *packets, picture(50, is_key=True), *packets], every)
    begin = messages.index(picture(50, is_key=True))
    assert fits([*HEADERS, *messages[begin:]])


@given(every=every, data=st.data())
def test_a_changed_bit_does_not(every: int, data: st.DataObject) -> None:
    """Of any packet or mark, anywhere in its body; or of its time."""
    messages = followed(every)
    at = data.draw(st.integers(0, len(messages) - 2 * every - 4))
    whole = messages[at]
    bit = data.draw(st.integers(0, len(whole.body) * 8 - 1))
    messages[at] = changed(whole, bit)
    assert not fits(messages)
    if whole not in HEADERS:
        time_bit = data.draw(st.integers(0, 31))
        messages[at] = whole._replace(timestamp_ms=whole.timestamp_ms ^ 1 << time_bit)
        assert not fits(messages)


@given(every=every, data=st.data())
def test_neither_what_was_dropped_moved_or_repeated(every: int, data: st.DataObject) -> None:
    """Packets and marks alike."""
    messages = followed(every)
    at = place(data, messages, every)
    before, one, rest = messages[:at], messages[at], messages[at + 1 :]
    assert not fits([*before, *rest])
    assert not fits([*before, one, one, *rest])
    further = data.draw(st.integers(1, every + 2))
    assert not fits([*before, *rest[:further], one, *rest[further:]])


@given(every=every, data=st.data())
def test_nor_two_streams_put_together(every: int, data: st.DataObject) -> None:
    """Of the same packets: of another stream, or of another beginning of the same."""
    messages = followed(every)
    at = place(data, messages, every)
    other = data.draw(st.sampled_from(["of another stream", "begun anew"]))
    signer = writer("another") if other == "of another stream" else writer(nonce=b"o" * 16)
    rest = signed([each for each in messages if not is_mark(each)], every, signer)
    assert not fits([*messages[:at], *rest[at:]])


@given(every=every, data=st.data())
def test_nor_old_marks(every: int, data: st.DataObject) -> None:
    """A stretch that was sent before, marks and all; or old marks among new packets."""
    messages = followed(every)
    begin = data.draw(st.integers(0, len(messages) // 2))
    end = data.draw(st.integers(begin + every + 1, len(messages) - 1))
    assert not fits([*messages[:end], *messages[begin:]])
    marks = [n for n, each in enumerate(messages) if is_mark(each)]
    first, second = data.draw(
        st.lists(st.sampled_from(marks[:-2]), min_size=2, max_size=2, unique=True).map(sorted)
        if len(marks) > 4 else st.just((marks[0], marks[1]))
    )  # fmt: skip
    messages[second] = messages[first]
    assert not fits(messages)


@given(text=st.one_of(st.binary(max_size=300), st.text("AQgw=+/", max_size=300).map(str.encode)))
def test_no_bytes_break_the_reader(text: bytes) -> None:
    """A forged mark ends in one error, or in one finding."""
    name = MARK_NAME.encode()
    body = b"\x02" + len(name).to_bytes(2, "big") + name + b"\x02\x00\x00" + text
    message = Message(MessageKind.DATA, 1, 0, body)
    verdict = MarkFollower(STREAM, PUBLIC_KEY, verify).take(message, payload_of(message), 0.0)
    assert verdict is not None
    assert verdict.finding is MarkFinding.NOT_SIGNED
    try:
        parse_mark(message)
    except RtmpError:
        return
    raise AssertionError("no writer has written that")
