"""A check lasts as long as was drawn, or as what it repeats."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lengths import Length
from tests.builders import a_check
from tools.verify.check_lengths import Drawn, Lengths

SHORT, LONG, VERY_LONG = Length
PASS, FAIL = Verdict.PASS, Verdict.FAIL


def _check(draw: int, length: Length, verdict: Verdict = PASS, **more: Any) -> Check:
    return replace(a_check(draw * 60 + 7.5, verdict), draw=draw, length=length, **more)


def _said(check: Check, drawn: Length, *before: Check) -> list[str]:
    return list(Lengths.after(before, 60).findings(check, lambda _: drawn))


@pytest.mark.parametrize("drawn", list(Length))
def test_what_is_made_as_it_was_drawn_says_nothing(drawn: Length) -> None:
    assert _said(_check(70, drawn), drawn) == []


def test_nothing_is_made_for_a_shorter_time_than_was_drawn() -> None:
    assert _said(_check(70, SHORT), LONG) == ["a shorter time than was drawn"]
    assert _said(_check(70, LONG), VERY_LONG) == ["a shorter time than was drawn"]


def test_a_longer_one_needs_a_failure_of_its_length() -> None:
    """Once such a one has passed, and everybody can know of it."""
    longer = _check(70, VERY_LONG, FAIL)
    said = ["a longer time than was drawn"]
    passed = _check(30, VERY_LONG)
    assert _said(longer, SHORT, passed) == said
    assert _said(longer, SHORT, passed, _check(40, LONG, FAIL)) == said
    assert _said(longer, SHORT, passed, _check(40, VERY_LONG, Verdict.UNKNOWN)) == said
    assert _said(longer, SHORT, passed, _check(40, VERY_LONG, FAIL)) == []
    assert _said(longer, SHORT, passed, _check(40, VERY_LONG, Verdict.DEGRADED)) == []
    assert _said(longer, SHORT) == []  # what came before is not known
    assert _said(longer, SHORT, _check(40, VERY_LONG, FAIL), _check(62, VERY_LONG)) == []
    assert _said(longer, SHORT, _check(40, VERY_LONG, FAIL), _check(50, VERY_LONG)) == said
    assert _said(_check(70, LONG), SHORT, passed) == said


def _drawn(ticket: int) -> Drawn:
    """Very long for whoever has so little to lose."""
    return lambda stake: VERY_LONG if stake <= ticket else SHORT


def _staked(passes: int, *more: Check) -> Lengths:
    """A node that passed so many checks, a quarter of an hour apart, the last in draw 400; and a
    very long one too long ago to lose anything of it."""
    checks = [_check(400 - 15 * at, SHORT) for at in reversed(range(passes))]
    return Lengths.after([_check(50, VERY_LONG), *checks, *more], 60)


@pytest.mark.parametrize("passes", [0, 3, 11])
def test_how_long_is_drawn_depends_on_what_there_is_to_lose(passes: int) -> None:
    """Of who has more to lose than the ticket says a short one, of others a very long one."""
    for ticket in (passes - 1, passes):
        for length in (SHORT, VERY_LONG):
            said = list(_staked(passes).findings(_check(415, length), _drawn(ticket)))
            wanted = VERY_LONG if passes <= ticket else SHORT
            assert (said == []) is (length is wanted)


def test_a_control_is_drawn_as_who_has_most_to_lose() -> None:
    found = Lengths(60).findings(_check(415, SHORT), _drawn(0), is_control=True)
    assert list(found) == []
    assert list(Lengths(60).findings(_check(415, SHORT), _drawn(0))) == [
        "a shorter time than was drawn"
    ]


def test_what_may_not_have_been_on_record_decides_nothing() -> None:
    """A failure takes the stake: a late record of it leaves some draws to which it was there."""
    failed = _check(410, SHORT, FAIL)
    for length in (SHORT, VERY_LONG):
        assert list(_staked(7, failed).findings(_check(415, length), _drawn(3))) == []
    assert list(_staked(7, failed).findings(_check(424, SHORT), _drawn(3))) == [
        "a shorter time than was drawn"
    ]


def test_a_retest_knows_of_its_failure_at_once() -> None:
    """Whoever made it knew that nothing was left to lose, but for what passed about then."""
    failed = _check(420, SHORT, FAIL)
    retest = _check(421, SHORT, caused_by_s=failed.due_s)
    said = ["a shorter time than was drawn"]
    for at, ticket in ((400, 0), (417, 0), (418, 1)):
        known = _staked(7, _check(at, SHORT), failed) if at > 400 else _staked(7, failed)
        assert list(known.findings(retest, _drawn(ticket))) == said
        assert list(known.findings(replace(retest, length=VERY_LONG), _drawn(ticket))) == []
    assert list(_staked(7, _check(418, SHORT), failed).findings(retest, _drawn(0))) == []
    late = [_check(413, VERY_LONG), failed]
    assert list(_staked(7, *late).findings(retest, _drawn(0))) == []
    assert list(_staked(7, failed).findings(replace(retest, caused_by_s=7.5), _drawn(0))) == []
    degraded = replace(failed, verdict=Verdict.DEGRADED)
    assert list(_staked(7, degraded).findings(retest, _drawn(3))) == []


def test_a_newcomers_first_passes_are_no_stake() -> None:
    checks = [_check(400 + at, SHORT) for at in (0, 2, 4)]
    young = Lengths.after(checks, 60, {checks[0].node_id})
    assert list(young.findings(_check(405, SHORT), _drawn(0))) == ["a shorter time than was drawn"]
    assert list(Lengths.after(checks, 60).findings(_check(405, SHORT), _drawn(0))) == []


def _beside(*neighbours: Check, stream_id: str = "") -> tuple[bool, bool]:
    """Whether a short check, and whether a very long one, of a node with eleven intervals to lose
    is as long as it has to be, beside a node with these checks."""
    checks = [_check(400 - 15 * at, SHORT, attempts=HERE) for at in reversed(range(11))]
    others = [replace(check, node_id="n3") for check in neighbours]
    lived = [_check(50, VERY_LONG), *sorted([*checks, *others], key=lambda check: check.draw)]
    known = Lengths.after(lived, 60)
    streams = {"n2": lived[0].stream_id, "n3": stream_id or lived[0].stream_id}
    short, longest = (
        list(known.findings(_check(425, length), _drawn(3), streams)) == []
        for length in (SHORT, VERY_LONG)
    )
    return short, longest


HERE = ({"address": "203.0.114.7"},)
THERE = ({"address": "203.0.114.8"},)


def test_who_stands_beside_a_node_that_keeps_its_word_is_watched() -> None:
    kept = _check(399, SHORT, attempts=HERE)
    assert _beside(kept) == (False, True)
    assert _beside() == (True, False)
    assert _beside(replace(kept, attempts=THERE)) == (True, False)
    assert _beside(kept, stream_id="s5") == (True, False)
    assert _beside(_check(50, SHORT, attempts=HERE)) == (True, False)


def test_what_may_not_have_been_on_record_of_a_neighbour_decides_nothing() -> None:
    kept, failed = _check(380, SHORT, attempts=HERE), _check(420, VERY_LONG, FAIL)
    moved = _check(420, SHORT, attempts=THERE)
    assert _beside(kept, failed) == _beside(kept, moved) == (True, True)
    assert _beside(_check(420, SHORT, attempts=HERE)) == (True, True)
    assert _beside(kept, replace(failed, draw=375, due_s=375 * 60 + 7.5)) == (True, True)
    assert _beside(kept, replace(failed, draw=395, due_s=395 * 60 + 7.5)) == (True, False)


def _watching(*neighbours: Check, is_control: bool = False) -> tuple[bool, bool]:
    """Whether a check of a node beside these may say that it was watched, and that it was not."""
    before = [_check(40, SHORT, attempts=HERE), *(replace(c, node_id="n3") for c in neighbours)]
    known = Lengths.after(sorted(before, key=lambda check: check.draw), 60)
    streams = {"n2": before[0].stream_id, "n3": before[0].stream_id}
    said, unsaid = (
        list(
            known.watch_findings(
                _check(425, VERY_LONG, is_watched=watched), streams, is_control=is_control
            )
        )
        == []
        for watched in (True, False)
    )
    return said, unsaid


def test_who_is_called_watched_stood_beside_a_node_that_keeps_its_word() -> None:
    """A failed check of such a node voids less: so nobody is called that for a favour."""
    kept = _check(399, SHORT, attempts=HERE)
    assert _watching(kept) == (True, False)
    assert _watching() == _watching(replace(kept, attempts=THERE)) == (False, True)
    assert _watching(_check(420, SHORT, attempts=HERE)) == (True, True)  # it may not be known yet
    assert _watching(kept, is_control=True) == (False, True)


def test_a_retest_lasts_as_long_as_what_failed() -> None:
    """Until a check of that length passes."""
    failed = _check(60, VERY_LONG, FAIL)
    retest = _check(62, LONG, caused_by_s=failed.due_s)
    said = ["a shorter time than what it repeats"]
    assert _said(retest, SHORT, failed) == said
    assert _said(retest, SHORT, failed, _check(61, LONG)) == said
    assert _said(retest, SHORT, failed, _check(61, VERY_LONG)) == []
    assert _said(replace(retest, length=VERY_LONG), SHORT, failed) == []
    assert _said(_check(62, SHORT), SHORT, failed) == []
    assert _said(retest, LONG, _check(60, LONG, FAIL)) == []


@pytest.mark.parametrize("found", [FAIL, Verdict.DEGRADED])
def test_what_was_found_is_looked_for_at_its_length_by_whatever_check_comes(found: Verdict) -> None:
    """Drawn ones too, and retests of another failure: once all know of it."""
    said = ["a shorter time than what it repeats"]
    longest, failed = _check(30, VERY_LONG, found), _check(60, SHORT, FAIL)
    retest = _check(62, SHORT, caused_by_s=failed.due_s)
    assert _said(retest, SHORT, longest, failed) == said
    assert _said(_check(62, LONG), LONG, longest) == said
    assert _said(replace(retest, length=VERY_LONG), SHORT, longest, failed) == []
    assert _said(retest, SHORT, replace(longest, length=LONG), failed, _check(61, LONG)) == []
    assert _said(_check(62, SHORT), SHORT, _check(58, VERY_LONG, found)) == []
    late = _check(28, VERY_LONG)  # due before it, and perhaps on record after it
    assert _said(retest, SHORT, late, longest, failed) == []
    assert _said(retest, SHORT, replace(late, draw=10), longest, failed) == said
    control = Lengths.after([longest, failed], 60).findings(
        retest, lambda _: SHORT, is_control=True
    )
    assert list(control) == []
