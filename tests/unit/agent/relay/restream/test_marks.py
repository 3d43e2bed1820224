"""A stream is signed as it is handed on, and a node leaves an upstream that is not what was signed.

Streams are the relay's own, and so are their viewers: only the sockets between are left out.
"""

import base64

import pytest

from agent.relay.restream.signatures import MarkKey, verifier
from agent.relay.restream.stream import STALE_S, LiveStream
from agent.relay.restream.stream_signer import StreamSigner
from agent.relay.restream.upstream_marks import FalseUpstreamError, UpstreamMarks
from agent.relay.restream.viewer import QUEUE_BYTES_MIN
from rtmp.amf import encode
from rtmp.errors import RtmpError
from rtmp.flv import payload_of
from rtmp.mark_follower import UNMARKED_S_MAX, MarkFinding, MarkFollower
from rtmp.marks import MARK_NAME, STAMPS_MAX, is_mark, parse_mark
from rtmp.messages import Message, MessageKind
from tests.signed_streams import PUBLIC_KEY, SECRET, changed, verify
from tests.unit.agent.relay.restream.show import (
    HEADERS,
    META,
    Reader,
    Show,
    header,
    inter,
    key,
    metadata,
    sound,
)

KEY = MarkKey(PUBLIC_KEY, SECRET.sign)
KEY_TEXT = base64.urlsafe_b64encode(PUBLIC_KEY).decode().rstrip("=")
FITS = MarkFinding.FITS


def signed_show(*messages: Message) -> Show:
    """What an ingest shows; it signs at once what was shown until now."""
    show = Show()
    show.stream = LiveStream("s1", StreamSigner("s1", KEY, lambda: 1_700_000_000.0))
    show.play(*messages)
    return show


def mark(show: Show) -> None:
    """Half a second is over."""
    show.now_s += 0.5
    show.stream.mark(show.now_s)
    show.stream.flush(show.now_s)


def findings(messages: list[Message]) -> list[MarkFinding]:
    """What a viewer who verifies finds."""
    follower = MarkFollower("s1", PUBLIC_KEY, verify)
    verdicts = (follower.take(each, payload_of(each), 0.0) for each in messages)
    return [verdict.finding for verdict in verdicts if verdict]


def seconds(show: Show, count: int, since_ms: int = 0) -> None:
    """Some of a show: a key frame every second second, two marks a second."""
    for half in range(2 * count):
        at_ms = since_ms + half * 500
        first = key(at_ms, b"key %d" % at_ms) if half % 4 == 0 else inter(at_ms, b"%d" % at_ms)
        show.play(first, sound(at_ms + 20), inter(at_ms + 250, b"inter %d" % at_ms))
        mark(show)


class Node:
    """A node's stream, and what it makes of its upstream."""

    def __init__(self, key_text: str | None = KEY_TEXT) -> None:
        self.show = Show()
        self.key_text = key_text
        self.marks = UpstreamMarks(self.show.stream, self._key, lambda: self.show.now_s)

    async def _key(self) -> str | None:
        return self.key_text

    def take(self, *messages: Message) -> None:
        """As they come from the upstream."""
        for message in messages:
            self.marks.take(message)
            self.show.play(message)
            if is_mark(message) and self.marks.is_verified:
                self.show.stream.trust()


async def joined(ingest: Show, **how: str | None) -> tuple[Node, Reader]:
    """A node that begins to pull, and what the ingest sends it."""
    node = Node(**how)
    await node.marks.begin()
    return node, ingest.watch()[1]


def test_whoever_comes_whenever_gets_what_fits() -> None:
    """From a key frame's burst on, whose headers are those of the burst's beginning."""
    show = signed_show(META, *HEADERS)
    readers = [show.watch()[1]]
    other = header(HEADERS[0].kind, HEADERS[0].body + b"2")
    for n in range(8):
        seconds(show, 1, n * 1000)
        readers.append(show.watch()[1])
        show.play(inter(n * 1000 + 970), metadata(width=n), other if n == 4 else sound(n * 1000))
        readers.append(show.watch()[1])
    seconds(show, 2, 8000)
    for reader in readers:
        found = findings(reader.read())
        assert set(found) == {FITS}
        assert len(found) >= 3


def test_sound_alone_fits_from_anywhere() -> None:
    """There is no burst: a viewer begins with the next batch."""
    show = signed_show(META, HEADERS[1], sound(0))
    readers = []
    for n in range(1, 9):
        readers.append(show.watch()[1])
        show.play(sound(n * 100), sound(n * 100 + 50))
        if n == 5:
            show.play(header(HEADERS[1].kind, b"\xaf\x00\x11\x90"))
        if n % 3 == 0:
            mark(show)
    mark(show)
    for reader in readers:
        assert set(findings(reader.read())) == {FITS}


def test_a_viewer_that_was_too_slow_finds_a_gap_and_then_what_fits() -> None:
    """Nothing that it gets differs."""
    show = signed_show(META, *HEADERS, key(0))
    _, reader = show.watch()
    mark(show)
    before = reader.read()
    reader.is_slow = True
    for n in range(1, 5):
        show.play(inter(n * 40, b"x" * QUEUE_BYTES_MIN))
        mark(show)
    missed = reader.read()
    reader.is_slow = False
    seconds(show, 3, 2000)
    found = findings([*before, *missed, *reader.read()])
    assert MarkFinding.MISSING in found
    assert set(found) == {FITS, MarkFinding.MISSING}
    assert found[-4:] == [FITS] * 4


def test_many_packets_have_their_mark_before_half_a_second_is_over() -> None:
    """And none is lost between."""
    show = signed_show(META, *HEADERS, key(0))
    _, reader = show.watch()
    for n in range(2 * STAMPS_MAX):
        show.play(sound(n))
    mark(show)
    read = reader.read()
    assert set(findings(read)) == {FITS}
    sizes = [len(parse_mark(each).mark.stamps) for each in read if is_mark(each)]
    assert sizes == [STAMPS_MAX, STAMPS_MAX, 4]


def test_a_live_stream_without_packets_is_signed_and_one_that_stopped_is_not() -> None:
    """Slides: a picture in two seconds is live all the time."""
    show = signed_show(META, *HEADERS, key(0))
    _, reader = show.watch()
    for _ in range(3):
        mark(show)
    show.play(inter(1500))
    show.now_s += STALE_S
    mark(show)
    mark(show)
    sizes = [len(parse_mark(each).mark.stamps) for each in reader.read() if is_mark(each)]
    assert sizes == [4, 0, 0, 1]


def test_another_publisher_of_the_same_stream_goes_on_in_the_same_chain() -> None:
    """Its headers are its own; who watched all the time finds no gap."""
    show = signed_show(META, *HEADERS)
    _, before = show.watch()
    seconds(show, 1)
    show.stream.end()
    show.stream.forget()
    show.play(HEADERS[0], key(5000))
    _, after = show.watch()
    mark(show)
    seconds(show, 1, 5500)
    _, late = show.watch()
    seconds(show, 1, 6500)
    for reader in (before, after, late):
        assert set(findings(reader.read())) == {FITS}


def test_what_a_stream_refuses_is_in_no_mark() -> None:
    """It was never handed on, so nobody may miss it."""
    show = signed_show(META, *HEADERS, key(0))
    _, reader = show.watch()
    tracks = [header(HEADERS[1].kind, b"\x95\x00mp4a" + bytes([n])) for n in range(40)]
    with pytest.raises(RtmpError, match="headers"):
        show.play(*tracks)
    mark(show)
    assert set(findings(reader.read())) == {FITS}


async def test_a_node_hands_marks_on_and_its_viewers_verify_them() -> None:
    """Byte for byte, through two nodes."""
    ingest = signed_show(META, *HEADERS)
    seconds(ingest, 1)
    first, from_ingest = await joined(ingest)
    first.take(*from_ingest.read())
    second, from_first = await joined(first.show)
    assert (first.marks.state, second.marks.state) == ("verified", "waiting")
    seconds(ingest, 2, 1000)
    first.take(*from_ingest.read())
    second.take(*from_first.read())
    _, viewer = second.show.watch()
    seconds(ingest, 2, 3000)
    first.take(*(live := from_ingest.read()))
    second.take(*from_first.read())
    assert second.marks.state == "verified"
    read = viewer.read()
    assert set(findings(read)) == {FITS}
    assert read[-len(live) :] == live


async def test_a_node_leaves_an_upstream_that_changes_a_byte() -> None:
    """At the next mark; newcomers get what was proven before, and nothing of what came since."""
    ingest = signed_show(META, *HEADERS)
    node, reader = await joined(ingest)
    seconds(ingest, 3)
    node.take(*reader.read())
    ingest.play(inter(3100), sound(3120), inter(3140))
    mark(ingest)
    came = reader.read()
    came[0] = changed(came[0], 70)
    with pytest.raises(FalseUpstreamError, match="differs"):
        node.take(*came)
    assert node.marks.left == {"differs": 1}
    assert [is_mark(each) for each in came] == [False, False, False, True]
    proven = node.show.watch()[1].read()
    assert set(findings(proven)) == {FITS}
    assert came[0] not in proven
    await node.marks.begin()
    node.take(*ingest.watch()[1].read())
    assert node.marks.state == "verified"
    assert set(findings(node.show.watch()[1].read())) == {FITS}


async def test_a_recording_fits_on_a_new_connection() -> None:
    """Nodes do not judge a mark's age: that the bytes are of now is for checks to find."""
    ingest = signed_show(META, *HEADERS)
    node, reader = await joined(ingest)
    seconds(ingest, 3)
    recording = reader.read()
    node.take(*recording)
    node.show.now_s += 86_400
    await node.marks.begin()
    assert node.marks.state == "waiting"
    node.take(*recording)
    assert node.marks.state == "verified"
    assert node.marks.left == {}
    with pytest.raises(FalseUpstreamError, match="out_of_order"):
        node.take(*recording)


async def test_a_node_that_comes_back_sends_no_viewer_anything_twice() -> None:
    """The ingest's burst begins with what was good before."""
    ingest = signed_show(META, *HEADERS)
    node, reader = await joined(ingest)
    seconds(ingest, 1)
    node.take(*reader.read())
    _, viewer = node.show.watch()
    seen = viewer.read()
    ingest.play(inter(1100, b"good"))
    mark(ingest)
    came = [inter(1100, b"evil"), *reader.read()[1:]]
    with pytest.raises(FalseUpstreamError, match="differs"):
        node.take(*came)
    await node.marks.begin()
    assert node.marks.state == "waiting"
    node.take(*ingest.watch()[1].read())
    assert node.marks.state == "verified"
    again = viewer.read()
    assert [each for each in again if each in seen] == []
    assert inter(1100, b"good") in again


@pytest.mark.parametrize("key_text", ["", None])
async def test_without_a_key_nothing_is_verified(key_text: str | None) -> None:
    """An ingest of another engine, or a coordinator that cannot be asked: it is relayed all the
    same, and nothing is said of it."""
    node, reader = await joined(ingest := Show(META, *HEADERS, key(0)), key_text=key_text)
    ingest.play(inter(40))
    node.take(*reader.read())
    assert (node.marks.state, node.marks.left) == ("not_signed", {})


async def test_an_upstream_without_marks_is_left_where_the_ingest_signs() -> None:
    """Else whoever changes a stream would only have to leave the marks out."""
    node, reader = await joined(ingest := Show(META, *HEADERS, key(0)))
    node.take(*reader.read())

    def goes_on() -> None:
        for second in range(1, int(UNMARKED_S_MAX) + 2):
            node.show.now_s += 1.0
            ingest.play(inter(1000 * second))
            node.take(*reader.read())

    with pytest.raises(FalseUpstreamError, match="no_marks"):
        goes_on()


async def test_an_upstream_whose_line_stood_still_is_not_left() -> None:
    """A home's line does so for some seconds: its marks are behind the packets that come then."""
    ingest = signed_show(META, *HEADERS, key(0))
    node, reader = await joined(ingest)
    seconds(ingest, 2)
    node.take(*reader.read())
    ingest.play(inter(2100))
    node.take(*reader.read())
    node.show.now_s += UNMARKED_S_MAX + 1
    ingest.play(inter(2200))
    mark(ingest)
    node.take(*reader.read())
    assert (node.marks.state, node.marks.left) == ("verified", {})


@pytest.mark.parametrize(
    "body",
    [
        encode(MARK_NAME),
        encode(MARK_NAME) + b"\x03\x00\x01a" * 10_000,
        encode(MARK_NAME, "A" * 65_000),
        encode(MARK_NAME) + bytes(8_000_000),
    ],
    ids=["empty", "nested AMF", "long", "8 MB"],
)
async def test_the_first_of_a_flood_of_forged_marks_ends_the_connection(body: bytes) -> None:
    """So no upstream makes a node verify for long."""
    ingest = signed_show(META, *HEADERS)
    node, reader = await joined(ingest)
    seconds(ingest, 1)
    node.take(*reader.read())
    flood = [header(MessageKind.DATA, body, n) for n in range(1000)]
    with pytest.raises(FalseUpstreamError, match="not_signed"):
        node.take(*flood)
    assert node.marks.left == {"not_signed": 1}


async def test_a_key_that_comes_later_is_gone_by_at_once() -> None:
    """In the middle of a connection; another one, and none, as well."""
    ingest = signed_show(META, *HEADERS)
    node, reader = await joined(ingest, key_text="")
    seconds(ingest, 1)
    ingest.play(inter(1100))
    node.take(*reader.read())
    node.key_text = KEY_TEXT
    await node.marks.ask_again()
    assert node.marks.state == "waiting"
    seconds(ingest, 1, 2000)
    node.take(*reader.read())
    assert node.marks.state == "verified"
    node.key_text = None  # nobody answers: the last one is gone by
    await node.marks.ask_again()
    assert node.marks.state == "verified"
    node.key_text = "A" * 43
    await node.marks.ask_again()
    seconds(ingest, 1, 3000)
    with pytest.raises(FalseUpstreamError, match="not_signed"):
        node.take(*reader.read())


def test_a_verifier_knows_its_own_key_alone() -> None:
    assert verifier(PUBLIC_KEY)(SECRET.sign(b"said"), b"said")
    assert not verifier(PUBLIC_KEY)(SECRET.sign(b"said"), b"sad")
    assert not verifier(PUBLIC_KEY)(b"", b"said")
    assert not verifier(b"\xff" * 32)(SECRET.sign(b"said"), b"said")


def test_marks_alone_are_no_stream_to_newcomers() -> None:
    """An ingest goes on signing for a while after its publisher has left."""
    show = signed_show(META, *HEADERS, key(0), sound(20))
    show.stream.end()
    _, reader = show.watch()
    mark(show)
    mark(show)
    assert reader.read() == []
    show.play(sound(40))
    assert reader.read()[-1] == sound(40)
