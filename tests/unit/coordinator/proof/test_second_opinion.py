"""Two readers on the same bytes: the stricter one is right if it passed the ingest."""

from dataclasses import replace

import pytest

from coordinator.checking.checks import Verdict
from coordinator.proof.captures import Capture
from coordinator.proof.judging import Proof
from coordinator.proof.packets import Part
from coordinator.proof.second_opinion import (
    IngestCheck,
    Opinion,
    Reading,
    opinion_of,
    settled,
)
from coordinator.reasons import Reason
from tests.packet_streams import live

PASSED = Proof(Verdict.PASS, Reason.PASSED)
FAILED = Proof(Verdict.FAIL, Reason.TOO_SLOW)
CLOSED = Proof(Verdict.FAIL, Reason.UNREACHABLE)
DOWN = Proof(Verdict.UNKNOWN, Reason.UNKNOWN_INGEST_DOWN)
CAPTURE = Capture(0.0, 4.0, tuple(live(4)))
READING = Reading(
    packets=tuple((p.media, p.size, p.digest) for p in CAPTURE.packets), picture=b"jpeg"
)


@pytest.mark.parametrize(
    ("proof", "opinion", "ingest", "reason"),
    [
        (PASSED, None, IngestCheck(DOWN), "passed"),
        (PASSED, Opinion.PLAYS, IngestCheck(DOWN), "passed"),
        (PASSED, Opinion.NOTHING, IngestCheck(DOWN), "passed"),
        (PASSED, Opinion.UNPLAYABLE, IngestCheck(PASSED, Opinion.PLAYS), "unplayable"),
        (PASSED, Opinion.UNPLAYABLE, IngestCheck(FAILED, Opinion.PLAYS), "unknown:readers"),
        (FAILED, Opinion.PLAYS, IngestCheck(PASSED, Opinion.PLAYS), "too_slow"),
        (FAILED, None, IngestCheck(PASSED, Opinion.UNPLAYABLE), "too_slow"),
        (FAILED, Opinion.PLAYS, IngestCheck(FAILED, Opinion.PLAYS), "unknown:readers"),
        (FAILED, None, IngestCheck(DOWN), "unknown:readers"),
        (CLOSED, None, IngestCheck(DOWN), "unreachable"),
        (DOWN, Opinion.UNPLAYABLE, IngestCheck(PASSED, Opinion.PLAYS), "unknown:ingest_down"),
    ],
)
def test_what_is_held_against_a_node_has_passed_the_ingest(
    proof: Proof, opinion: Opinion | None, ingest: IngestCheck, reason: str
) -> None:
    """A pass that nobody doubts needs nothing, and a closed port is one."""
    final = settled(proof, opinion, ingest)
    assert final.reason == reason
    assert (final.verdict is Verdict.PASS) == (reason == "passed")
    assert (final.verdict is Verdict.UNKNOWN) == reason.startswith("unknown:")


def test_a_decoder_that_cannot_read_the_stream_has_no_say() -> None:
    """HEVC, say: it finds the ingest's own capture unplayable as well, and the node's no worse."""
    blind = IngestCheck(PASSED, Opinion.UNPLAYABLE)
    assert settled(PASSED, Opinion.UNPLAYABLE, blind) == PASSED


def test_what_both_readers_found_plays() -> None:
    """Nearly all packets, and a picture where there is a key frame."""
    assert opinion_of(CAPTURE.packets, READING) is Opinion.PLAYS
    short = replace(READING, packets=READING.packets[3:])
    assert opinion_of(CAPTURE.packets, short) is Opinion.PLAYS
    assert (
        opinion_of(CAPTURE.packets, replace(READING, packets=READING.packets[4:]))
        is Opinion.UNPLAYABLE
    )
    assert opinion_of(CAPTURE.packets, replace(READING, picture=None)) is Opinion.UNPLAYABLE


def test_a_sound_alone_needs_no_picture() -> None:
    sound = tuple(p for p in CAPTURE.packets if not p.is_video)
    assert opinion_of(sound, replace(READING, picture=None)) is Opinion.PLAYS


def test_what_is_no_media_is_nothing_to_read() -> None:
    """Headers, script data, and tracks that a decoder of one track leaves out."""
    others = tuple(replace(p, part=Part.HEADER) for p in CAPTURE.packets)
    assert opinion_of(others, Reading()) is Opinion.NOTHING
    second = tuple(replace(p, track=1) for p in CAPTURE.packets)
    assert opinion_of(second, Reading()) is Opinion.NOTHING
