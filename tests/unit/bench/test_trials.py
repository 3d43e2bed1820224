"""Cheats that only some checks find are followed, one check after another."""

import asyncio
from collections.abc import Sequence

from bench.cheat_kinds import FLAGGED_WITHIN, LANES
from bench.lanes import lanes_of, until_flagged
from bench.stage import Subject, kind_of
from bench.trials import Tally
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lengths import Length
from coordinator.reasons import Reason
from rtmp.addresses import RtmpAddress

PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN
SHORT, VERY_LONG = Length.SHORT, Length.VERY_LONG
REASONS = {PASS: Reason.PASSED, FAIL: Reason.STALLED, UNKNOWN: Reason.UNKNOWN_BUSY}


def followed(drawn: Sequence[tuple[Verdict, Length]]) -> tuple[Tally, list[Length]]:
    """A node whose checks are drawn and end so; gives what each of them was asked to last."""
    name, asked = "cuts-at-16-s 2", list[Length]()
    subject = Subject(name, kind_of(name), RtmpAddress("127.0.0.1", 1935, "live", "show"), 8080)
    tally = Tally(subject)

    async def one(of: Subject, draw: int, at_least: Length) -> Check:
        asked.append(at_least)
        verdict, length = drawn[draw]
        return Check(of.name, "show", draw, 60.0 * draw, verdict, REASONS[verdict], length=length)

    asyncio.run(until_flagged(tally, one, 0.0))
    return tally, asked


def test_a_node_is_followed_until_it_is_flagged() -> None:
    """Three failures that follow each other; what says nothing about it takes a draw all the
    same."""
    drawn = [(PASS, SHORT)] * 7 + [(FAIL, VERY_LONG), (UNKNOWN, SHORT)] + [(FAIL, VERY_LONG)] * 2
    tally, asked = followed([*drawn, (PASS, SHORT)])
    assert (len(tally.checks), tally.until_flagged) == (11, [10])
    assert asked == [SHORT] * 8 + [VERY_LONG] * 3


def test_each_cheat_that_only_some_checks_find_has_nodes_of_its_own() -> None:
    """By names that tell its kind; other cheats have none."""
    assert LANES.keys() == FLAGGED_WITHIN.keys()
    names = lanes_of(["loop", *LANES])
    assert len(set(names)) == sum(LANES.values())
    assert set(map(kind_of, names)) == LANES.keys()
