"""A check that was put off is taken on record once, by whichever record comes with it first."""

from dataclasses import replace

import pytest

from coordinator.checking.checks import Check, Control, Run, Verdict
from coordinator.checking.put_off import PUT_OFF_DRAWS_MAX, PutOff, may_carry, put_off_after
from coordinator.checking.trust_book import TrustBook
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from tests.builders import a_check

DRAW = 28_800_001


def _check(node_id: str, draw: int = DRAW, verdict: Verdict = Verdict.PASS) -> Check:
    reason = Reason.PASSED if verdict is Verdict.PASS else Reason.STALLED
    return replace(a_check(draw * 60 + 7.0, verdict, reason), node_id=node_id, draw=draw)


def _run(draw: int, *checks: Check, put_off: tuple[str, ...] = (), is_late: bool = False) -> Run:
    ended_s = draw * 60 + 75.0
    return Run(draw, draw * 60.0, ended_s, (), {}, checks, put_off=put_off, is_late=is_late)


def _recorded(book: TrustBook, *runs: Run) -> tuple[TrustBook, list[Run]]:
    """The book after them, and those that were recorded."""
    made = []
    for run in runs:
        if found := book.recording(run):
            book, marked = found
            made.append(marked)
    return book, made


FIRST = _run(DRAW, _check("n2"), put_off=("n3", "n5"))


def test_a_later_record_takes_along_what_is_over() -> None:
    later = _run(DRAW + 3, _check("n2", DRAW + 3), _check("n3"))
    book, (_, marked) = _recorded(TrustBook(), FIRST, later)
    assert [(check.node_id, check.draw) for check in marked.checks] == [
        ("n3", DRAW),
        ("n2", DRAW + 3),
    ]
    assert book.put_off == (PutOff(DRAW, ("n5",)),)
    assert {node_id: state.passed for node_id, state in book.states.items()} == {"n2": 2, "n3": 1}
    assert book.last_run.verdicts == {"pass": 1}  # of its own draw


@pytest.mark.parametrize("comes_first", ["later", "late"])
def test_whoever_comes_second_with_a_check_records_it_not(comes_first: str) -> None:
    """A process that was thought dead, say, and the one that finished its draw."""
    both = {
        "later": _run(DRAW + 3, _check("n2", DRAW + 3), _check("n3")),
        "late": _run(DRAW, _check("n3"), _check("n5"), is_late=True),
    }
    second = next(name for name in both if name != comes_first)
    book, made = _recorded(TrustBook(), FIRST, both[comes_first], both[second], both["late"])
    recorded = [(check.node_id, check.draw) for run in made for check in run.checks]
    assert sorted(recorded) == sorted([("n2", DRAW), ("n2", DRAW + 3), ("n3", DRAW), ("n5", DRAW)])
    assert book.states["n3"].passed == 1
    assert book.put_off == ()


def test_what_nobody_put_off_is_no_late_check() -> None:
    book, made = _recorded(TrustBook(), _run(DRAW, _check("n7"), is_late=True))
    assert (book, made) == (TrustBook(), [])


def test_controls_that_put_a_draw_in_doubt_void_what_a_later_record_has_of_it() -> None:
    """And no failure of the record's own draw, in which a control passed."""
    control = {"good": Control.GOOD}
    doubted = replace(FIRST, checks=(_check("good", verdict=Verdict.FAIL),), controls=control)
    later = _run(
        DRAW + 3,
        _check("good", DRAW + 3),
        _check("n2", DRAW + 3, Verdict.FAIL),
        _check("n3", verdict=Verdict.FAIL),
    )
    _, (_, marked) = _recorded(TrustBook(), doubted, replace(later, controls=control))
    assert {check.node_id: check.reason for check in marked.checks} == {
        "n3": Reason.UNKNOWN_CONTROL,
        "good": Reason.PASSED,
        "n2": Reason.STALLED,
    }


def test_a_record_carries_no_check_out_of_its_epoch_or_its_day() -> None:
    """Whoever reads the draws of an epoch, or of a day, would miss it."""
    calendar = Calendar()
    last = DRAW // 60 * 60 + 59
    assert may_carry(last, _check("n2", last - 58), calendar)
    assert not may_carry(last + 1, _check("n2", last), calendar)
    odd = Calendar(epoch_seconds=7 * 3600)
    midnight = 86_400 * 20_000 // 60
    assert odd.epoch_at(midnight * 60) == odd.epoch_at(midnight * 60 - 60)
    assert not may_carry(midnight, _check("n2", midnight - 1), odd)


def test_what_nobody_finishes_is_forgotten_after_a_while() -> None:
    known: tuple[PutOff, ...] = ()
    for draw in range(DRAW, DRAW + 2 * PUT_OFF_DRAWS_MAX):
        known = put_off_after(known, _run(draw, put_off=("n3",)))
    assert [each.draw for each in known] == [*range(DRAW, DRAW + 2 * PUT_OFF_DRAWS_MAX)][
        -PUT_OFF_DRAWS_MAX:
    ]
