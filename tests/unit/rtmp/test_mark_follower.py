"""A follower tells what fits from what was changed, left out, moved or forged."""

import pytest

from rtmp.amf import encode
from rtmp.flv import payload_of
from rtmp.mark_follower import (
    STEP_S_MAX,
    UNMARKED_S_MAX,
    WAITING_MAX,
    MarkFinding,
    MarkFollower,
)
from rtmp.marks import MARK_NAME, is_mark, parse_mark, stamp_of
from rtmp.messages import Message, MessageKind
from tests.signed_streams import (
    HEADERS,
    METADATA,
    NOW_MS,
    PICTURE_HEADER,
    PUBLIC_KEY,
    SOUND_HEADER,
    STREAM,
    changed,
    findings,
    picture,
    show,
    signed,
    sound,
    verdicts,
    verify,
    writer,
)

FITS = MarkFinding.FITS


def test_what_the_ingest_sends_fits_from_its_first_packet_on() -> None:
    """Every packet is proven, once."""
    found = verdicts(signed(show(11), every=4))
    assert {verdict.finding for verdict in found} == {FITS}
    proven = [stamp for verdict in found for stamp in verdict.proven]
    assert proven == [stamp_of(each, payload_of(each)) for each in show(11)]


@pytest.mark.parametrize("every", [1, 2, 3, 5, 7, 50])
def test_a_newcomer_begins_at_a_key_frame_with_what_stands(every: int) -> None:
    """Metadata and headers are dated anew, and come in whatever order."""
    messages = signed(show(11), every)
    begin = messages.index(picture(8, is_key=True))
    dated = [each._replace(timestamp_ms=320) for each in reversed(HEADERS)]
    found = verdicts([*dated, *messages[begin:]])
    assert {verdict.finding for verdict in found} == {FITS}
    assert sum(len(verdict.proven) for verdict in found) == 3 + 6


def test_a_newcomer_s_header_is_proven_too() -> None:
    """A changed one differs, a second one is out of order, and none is missing."""
    messages = signed(show(11), every=4)
    live = messages[messages.index(picture(8, is_key=True)) :]
    false = SOUND_HEADER._replace(body=b"\xaf\x00\x12\x11")
    assert findings([METADATA, PICTURE_HEADER, false, *live])[0] is MarkFinding.DIFFERS
    assert findings([*HEADERS, METADATA, *live])[0] is MarkFinding.OUT_OF_ORDER
    assert findings([METADATA, PICTURE_HEADER, *live])[0] is MarkFinding.MISSING


def test_a_header_that_replaces_another_is_in_its_place() -> None:
    """A newcomer begins with the one that stood at its key frame, and gets the other later."""
    other = PICTURE_HEADER._replace(body=PICTURE_HEADER.body + b"2")
    packets = [*HEADERS, *(picture(n, is_key=n == 1) for n in range(5)), other, picture(7)]
    for every in (4, 5, 20):
        messages = signed(packets, every)
        begin = messages.index(picture(1, is_key=True))
        assert set(findings([*HEADERS, *messages[begin:]])) == {FITS}


def test_a_viewer_that_was_too_slow_goes_on() -> None:
    """Whole batches are missing, then come headers and a key frame; then all fits again."""
    messages = signed(show(30), every=6)
    cut, again = messages.index(sound(3)), messages.index(picture(24, is_key=True))
    found = verdicts([*messages[:cut], *HEADERS, *messages[again:]])
    assert [verdict.finding for verdict in found[1:3]] == [MarkFinding.MISSING, FITS]
    assert found[-1].finding is FITS
    inside = [*messages[: cut + 1], *HEADERS, *messages[cut + 3 :]]
    assert findings(inside).count(MarkFinding.MISSING) == 1


def test_a_changed_byte_is_found_at_the_next_mark() -> None:
    """And the packets beside it are proven all the same."""
    messages = signed(show(6), every=5)
    at = messages.index(picture(1))
    messages[at] = changed(messages[at], 75)
    found = verdicts(messages)
    assert [verdict.finding for verdict in found][:3] == [FITS, MarkFinding.DIFFERS, FITS]
    assert len(found[1].proven) == 4


def test_a_missing_packet_and_a_missing_mark_are_missing() -> None:
    """The packets of a mark that is missing are not proven."""
    messages = signed(show(6), every=5)
    packet = messages.index(sound(2))
    assert findings(messages[:packet] + messages[packet + 1 :])[1] is MarkFinding.MISSING
    later = [n for n, each in enumerate(messages) if is_mark(each)][1]
    found = verdicts(messages[:later] + messages[later + 1 :])
    assert [verdict.finding for verdict in found] == [FITS, MarkFinding.MISSING, FITS]
    assert len(found[1].proven) == 5


def test_packets_in_another_order_or_once_more_are_out_of_order() -> None:
    """A repeated header as well."""
    messages = signed(show(6), every=5)
    at = messages.index(picture(2))
    swapped = [*messages[:at], messages[at + 1], messages[at], *messages[at + 2 :]]
    assert findings(swapped)[1] is MarkFinding.OUT_OF_ORDER
    for again in (messages[at], SOUND_HEADER):
        twice = [*messages[: at + 1], again, *messages[at + 1 :]]
        assert findings(twice)[1] is MarkFinding.OUT_OF_ORDER


def test_an_old_mark_is_out_of_order_and_changes_nothing() -> None:
    """Of this beginning, or of an earlier one."""
    messages = signed(show(6), every=5)
    before = signed(show(1), signer=writer(nonce=b"o" * 16), since_ms=NOW_MS - 1000)[-1]
    old = next(each for each in messages if is_mark(each))
    for replayed in (old, before):
        found = findings([*messages[:9], replayed, *messages[9:]])
        assert found == [FITS, MarkFinding.OUT_OF_ORDER, FITS, FITS, FITS]


def test_an_ingest_that_began_anew_leaves_a_gap() -> None:
    """Nobody can tell what was between its beginnings; then all fits again."""
    later = writer(nonce=b"l" * 16)
    renewed = signed(show(6), every=4, signer=later, since_ms=NOW_MS + 1000)
    found = verdicts([*signed(show(6), every=20), *renewed])
    assert [verdict.finding for verdict in found] == [FITS, MarkFinding.MISSING, FITS, FITS, FITS]
    assert len(found[1].proven) == 4


@pytest.mark.parametrize(
    "forged",
    [
        Message(MessageKind.DATA, 1, 0, encode(MARK_NAME, "x")),
        Message(MessageKind.DATA, 1, 0, encode(MARK_NAME, "A" * 65_000)),
        signed(show(1), signer=writer(stream="another"))[-1],
        signed(show(1))[-1]._replace(timestamp_ms=77),
        changed(signed(show(1))[-1], 8 * 300),
    ],
    ids=["no base64", "huge", "of another stream", "at another time", "one bit"],
)
def test_a_forged_mark_is_not_signed_and_changes_nothing(forged: Message) -> None:
    """The genuine ones go on to fit."""
    messages = signed(show(6), every=5)
    found = findings([*messages[:9], forged, *messages[9:]])
    assert found == [FITS, MarkFinding.NOT_SIGNED, FITS, FITS, FITS]


def test_packets_without_marks_are_told() -> None:
    """After some seconds, or after more packets than marks leave between them."""
    follower = MarkFollower(STREAM, PUBLIC_KEY, verify)
    said = [follower.take(each, payload_of(each), 0.0) for each in show(WAITING_MAX // 2)]
    assert [verdict.finding for verdict in said if verdict] == [MarkFinding.NO_MARKS]
    follower = MarkFollower(STREAM, PUBLIC_KEY, verify)
    seconds = int(UNMARKED_S_MAX)
    for n in range(seconds + 1):
        assert follower.take(sound(n), None, 100.0 + n) is None
    late = follower.take(sound(seconds + 1), None, 100.1 + seconds)
    assert late is not None
    assert late.finding is MarkFinding.NO_MARKS
    # A pause of the publisher's is none.
    messages = signed(show(6), every=5)
    follower = MarkFollower(STREAM, PUBLIC_KEY, verify)
    for n, message in enumerate(messages):
        verdict = follower.take(message, payload_of(message), n * 4.0 if is_mark(message) else 0.0)
        assert verdict is None or verdict.finding is FITS


def test_a_line_that_stood_still_lacks_no_mark() -> None:
    """Between a packet and its mark, or as often as it likes: who accuses it then is wrong."""
    follower = MarkFollower(STREAM, PUBLIC_KEY, verify)
    found = [
        follower.take(each, payload_of(each), n // 3 * 2 * UNMARKED_S_MAX)
        for n, each in enumerate(signed(show(20), every=5))
    ]
    assert {verdict.finding for verdict in found if verdict} == {FITS}


def test_what_is_left_of_an_interval_without_its_beginning_fits() -> None:
    """The packets before were given up, and that was told."""
    messages = signed(show(20), every=9)
    follower = MarkFollower(STREAM, PUBLIC_KEY, verify)
    found = [
        follower.take(each, payload_of(each), STEP_S_MAX * min(20, max(10, n)))
        for n, each in enumerate(messages)
    ]
    said = [verdict.finding for verdict in found if verdict]
    assert said[:3] == [FITS, MarkFinding.NO_MARKS, FITS]
    assert set(said[3:]) == {FITS}


def test_marks_of_nothing_chain_on() -> None:
    """Slides: a mark each half second, a picture seldom."""
    signer = writer()
    marks = [signer.mark(NOW_MS + n, 0) for n in range(3)]
    assert findings(marks) == [FITS] * 3
    assert [parse_mark(each).mark.stamps for each in marks] == [()] * 3
