"""What trials come to: a kind that cannot be proven is told, and a cheat that passes."""

from collections.abc import Sequence

import pytest

from bench.cheat_figures import figures_of, is_provable
from bench.kinds.reader_differences import differences
from bench.stage import HONEST, Subject, kind_of
from bench.trials import Tally
from coordinator.checking.checks import Check, Verdict
from coordinator.reasons import Reason
from rtmp.addresses import RtmpAddress

REASONS = {
    Verdict.PASS: Reason.PASSED,
    Verdict.DEGRADED: Reason.DEGRADED,
    Verdict.FAIL: Reason.TOO_SLOW,
    Verdict.UNKNOWN: Reason.UNKNOWN_REFERENCE,
}
PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN


def tally(name: str, verdicts: Sequence[Verdict], stream: str = "show", **said: str) -> Tally:
    """The trials of an honest node, or of the cheat of that name."""
    kind = HONEST if " by " in name else kind_of(name)
    found = Tally(Subject(name, kind, RtmpAddress("127.0.0.1", 1935, "live", stream), 8080))
    for draw, verdict in enumerate(verdicts):
        attempt = {"verdict": verdict.value, "reason": "", "delay_s": 0.1, "lag_s": 0.2, **said}
        found.take(
            Check("n1", stream, draw, 60.0 * draw, verdict, REASONS[verdict], attempts=(attempt,))
        )
    return found


def values(*tallies: Tally) -> dict[str, float]:
    """By the figures' names."""
    figures = figures_of({one.subject.name: one for one in tallies})
    return {figure.name: figure.value for figure in figures}


def test_honest_failures_and_unknowns_are_counted() -> None:
    """Of all checks, and over all kinds."""
    found = values(tally("a by 1 hop", [PASS] * 7), tally("b by 1 hop", [PASS, FAIL, UNKNOWN]))
    assert found["honest kinds of publisher and node"] == 2
    assert found["honest checks"] == 10
    assert found["honest checks failed"] == 1
    assert found["honest checks unknown"] == 10
    assert found["kinds provable"] == 1


@pytest.mark.parametrize(
    ("verdicts", "provable"),
    [
        ([PASS] * 20, True),
        ([*[PASS] * 18, *[UNKNOWN] * 2], True),
        ([*[PASS] * 17, *[UNKNOWN] * 3], False),
        ([UNKNOWN] * 20, False),
        ([FAIL] * 20, False),
    ],
)
def test_a_kind_is_provable_if_its_checks_say_something(
    verdicts: list[Verdict], *, provable: bool
) -> None:
    """And if what they say is that it serves."""
    assert is_provable(tally("a by 1 hop", verdicts)) == provable


def test_a_cheat_that_passes_is_told() -> None:
    """Of each kind by itself."""
    found = values(tally("loop", [FAIL] * 19 + [PASS]), tally("dead", [FAIL] * 20))
    assert (found["loop: passed"], found["dead: passed"]) == (1, 0)


def test_checks_until_a_flag_are_counted_over_all_nodes_of_a_kind() -> None:
    """Of those that were not flagged too: they were checked in vain, however short it was."""
    found = values(
        tally("cuts-at-16-s 1", [PASS] * 14 + [FAIL] * 3),
        tally("cuts-at-16-s 2", [PASS] * 22 + [UNKNOWN] + [FAIL] * 3),
        tally("cuts-at-16-s 3", [PASS] * 11),
    )
    assert found["cuts-at-16-s: checks until flagged"] == (17 + 25 + 11) / 2
    assert values(tally("cuts-at-16-s 1", [PASS] * 14))["cuts-at-16-s: checks until flagged"] == 14


def test_readers_that_differ_have_a_reason_or_none() -> None:
    """Only where both read the same bytes, and the first one passed them."""
    plays = tally("a by 1 hop", [PASS], second_reader="plays")
    unheard = tally("b by 1 hop", [PASS])
    failed = tally("c by 1 hop", [FAIL], second_reader="unplayable")
    known = tally("hevc by 1 hop", [PASS], "hevc", second_reader="unplayable")
    unknown = tally("d by 1 hop", [PASS], second_reader="unplayable")
    assert differences([plays, unheard, failed]) == {}
    assert differences([known])["hevc by 1 hop"]
    assert differences([unknown]) == {"d by 1 hop": ""}
    found = values(plays, unheard, known, unknown)
    assert found["kinds that both readers read"] == 3
    assert found["of these with one verdict"] == 1
    assert found["verdicts that differ without a written reason"] == 1
