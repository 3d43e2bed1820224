"""What checks set in motion is folded again: what the record says otherwise is named."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from coordinator.checking.checks import Check, Control, Run, TrustChange, Verdict
from coordinator.checking.credit import CREDIT_MAX
from coordinator.checking.lengths import RECORD_S_MAX, Length
from coordinator.checking.stakes import marked
from coordinator.checking.suspicion import NOBODY, PUBLISHED, Trust, observe
from coordinator.checking.trust_book import TrustBook
from coordinator.reasons import Reason
from tests.builders import a_check
from tools.verify.trust_audit import TrustAudit
from tools.verify.trust_ranges import may_have_been

FROM_S = 600_000.0
FIRST = 10_000
"""The draw in which it begins."""
DRAWS = range(FIRST, FIRST + 2_000)
REASONS = {
    Verdict.PASS: Reason.PASSED,
    Verdict.DEGRADED: Reason.DEGRADED,
    Verdict.FAIL: Reason.NO_STREAM,
    Verdict.UNKNOWN: Reason.UNKNOWN_BUSY,
}
NAMES = ("n2", "n3", "n5", "n7")


def _check(draw: int, verdict: Verdict = Verdict.PASS, node_id: str = "n2", **more: Any) -> Check:
    usual: dict[str, Any] = {"node_id": node_id, "draw": draw, "reason": REASONS[verdict]}
    return replace(a_check(draw * 60 + 7.5), verdict=verdict, **(usual | more))


def _run(draw: int, *checks: Check, after_s: float = 70.0, is_late: bool = False) -> Run:
    return Run(draw, draw * 60.0, draw * 60 + after_s, (), {}, checks, is_late=is_late)


def _recorded(book: TrustBook, runs: Sequence[Run]) -> tuple[TrustBook, list[Run]]:
    """The runs as the prober records them, in this order."""
    made = []
    for run in runs:
        book, checks = book.observing(run.checks, run.controls)
        made.append(replace(run, checks=checks))
    return book, made


def _lived(seed: int, draws: int, book: TrustBook | None = None) -> list[Run]:
    """What nodes of all kinds go through, with a late record now and then."""
    lots, runs = random.Random(seed), []
    wrong = dict(zip(NAMES, (0.02, 0.1, 0.3, 0.6), strict=True))
    book = book or TrustBook()
    for draw in range(FIRST, FIRST + draws):
        checks: list[Check] = []
        late: list[Check] = []
        for name in NAMES:
            state = book.of(name)
            is_flagged = state.trust is Trust.FLAGGED
            if state.trust is Trust.FRAUD or not (is_flagged or lots.random() < 0.3):
                continue
            bad = [Verdict.FAIL, Verdict.DEGRADED, Verdict.UNKNOWN]
            verdict = lots.choice(bad) if lots.random() < wrong[name] else Verdict.PASS
            is_wrong = verdict is Verdict.FAIL and lots.random() < 0.2
            length = lots.choice(list(Length))
            is_cut = verdict is Verdict.DEGRADED and length is Length.VERY_LONG
            reason = Reason.CUT if is_cut else REASONS[verdict]
            check = _check(
                draw,
                verdict,
                name,
                reason=Reason.REPLAYED if is_wrong else reason,
                length=length,
                caused_by_s=state.flagged_s if is_flagged else None,
            )
            (late if lots.random() < 0.1 else checks).append(check)
        for found, is_late in ((checks, False), (late, True)):
            after_s = 71.0 if is_late else 70.0
            book, made = _recorded(book, [_run(draw, *found, after_s=after_s, is_late=is_late)])
            runs += [run for run in made if run.checks]
    return runs


def _said(runs: Sequence[Run], newcomers: Sequence[str] = NAMES) -> list[str]:
    return list(TrustAudit(FROM_S, frozenset(newcomers)).findings(runs, DRAWS))


@pytest.mark.parametrize("seed", range(4))
def test_an_honest_record_says_nothing(seed: int) -> None:
    """Of newcomers, and of nodes whose past is not known."""
    runs = _lived(seed, 200)
    assert {check.event for run in runs for check in run.checks} > {None}
    assert _said(runs) == []
    assert _said(runs, newcomers=()) == []
    for at in (37, 101):  # begun in the middle: in any state, flagged ones too
        later = [run for run in runs if run.draw >= FIRST + at]
        audit = TrustAudit(FROM_S + at * 60.0)
        assert list(audit.findings(later, DRAWS)) == []


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_said_otherwise_is_named(seed: int) -> None:
    """Of every check that set something in motion, or voids: each changed alone."""
    runs = _lived(seed, 100)
    changed = 0
    for at, run in enumerate(runs):
        for check in run.checks:
            lies = [replace(check, event=None)] if check.event else []
            if check.verdict in (Verdict.PASS, Verdict.DEGRADED):
                lies.append(replace(check, owes=check.owes + 1))
            if check.voids_from_s and check.voids_from_s >= FROM_S:
                lies += [replace(check, voids_from_s=other) for other in (0, None)]
                lies.append(replace(check, voids_from_s=check.voids_from_s + 60))
            for lie in lies:
                checks = tuple(lie if each is check else each for each in run.checks)
                found = _said([*runs[:at], replace(run, checks=checks), *runs[at + 1 :]])
                assert any(said.startswith(f"draw {run.draw}: {check.node_id} ") for said in found)
                changed += 1
    assert changed > 5


def test_events_that_nothing_set_in_motion_are_named() -> None:
    _, runs = _recorded(TrustBook(), [_run(FIRST + at, _check(FIRST + at)) for at in range(5)])
    (check,) = runs[2].checks
    for event in TrustChange:
        lie = replace(runs[2], checks=(replace(check, event=event),))
        (said, *_) = _said([*runs[:2], lie, *runs[3:]])
        assert (
            said == f"draw {FIRST + 2}: n2 is {event} by a check, and its checks make it unchanged"
        )


def test_a_flag_that_was_never_raised_is_named_though_nobody_knows_the_past() -> None:
    """Whatever it was before, three failures in a row with nothing between make a flag."""
    passes = [_run(FIRST + at, _check(FIRST + at)) for at in range(7, 50)]
    fails = [
        _run(FIRST + at, _check(FIRST + at, Verdict.FAIL, voids_from_s=(FIRST + 49) * 60 + 7))
        for at in range(50, 53)
    ]
    (said, *_) = _said([*passes, *fails], newcomers=())
    assert said.startswith(f"draw {FIRST + 52}: n2 is unchanged by a check, and its checks make it")


def test_what_voids_everything_that_is_kept_may_say_any_older_instant() -> None:
    """Older passes are not looked at: what they began is not pending any more."""
    for from_s in (0, 7, int(FROM_S) - 1):
        failed = _run(FIRST + 3, _check(FIRST + 3, Verdict.FAIL, voids_from_s=from_s))
        assert _said([failed], newcomers=()) == []
    failed = _run(FIRST + 3, _check(FIRST + 3, Verdict.FAIL, voids_from_s=int(FROM_S) + 60))
    (said,) = _said([failed], newcomers=())
    assert said.endswith("n2 has a check that voids from 600060 on, and its checks say 0")


@pytest.mark.parametrize("is_first", [True, False])
def test_a_late_record_may_have_been_written_before_or_after_one_beside_it(is_first: bool) -> None:
    """A very long pass of an earlier draw, and a failure: either order is honest, no third one."""
    late = _run(FIRST, _check(FIRST, length=Length.VERY_LONG), after_s=400.0, is_late=True)
    failed = _run(FIRST + 6, _check(FIRST + 6, Verdict.FAIL), after_s=50.0)
    order = [late, failed] if is_first else [failed, late]
    _, runs = _recorded(TrustBook(), order)
    assert _said(runs) == []
    far = replace(failed, ended_s=late.ended_s + RECORD_S_MAX + 1)
    _, runs = _recorded(TrustBook(), [far, late])
    assert len(_said(runs)) == 1


def test_failures_of_many_may_be_excused_and_those_of_one_not() -> None:
    """The retest of a failure that many had raises no score: else it flags."""

    def runs(crowd: int) -> list[Run]:
        names = [f"n{at}" for at in range(40)]
        first = [_run(FIRST, *(_check(FIRST, node_id=name) for name in names))]
        for at in (1, 2):
            failed = [_check(FIRST + at, Verdict.FAIL, name) for name in names[:crowd]]
            first.append(_run(FIRST + at, *failed))
        cause_s = (FIRST + 1) * 60 + 7.5
        retest = _check(FIRST + 3, Verdict.FAIL, names[0], caused_by_s=cause_s)
        return [*first, _run(FIRST + 3, retest)]

    names = [f"n{at}" for at in range(40)]
    for crowd in (1, 20):
        _, made = _recorded(TrustBook(), runs(crowd))
        assert _said(made, names) == []
        (check,) = made[-1].checks
        assert (check.event is TrustChange.FLAGGED) is (crowd == 1)
    unflagged = [*made[:-1], replace(made[-1], checks=(replace(check, event=None),))]
    assert _said(unflagged, names) == []
    _, alone = _recorded(TrustBook(), runs(1))
    spared = replace(alone[-1], checks=(replace(alone[-1].checks[0], event=None),))
    assert len(_said([*alone[:-1], spared], names)) == 1


def test_control_nodes_have_no_trust() -> None:
    runs = [
        replace(_run(FIRST + at, _check(FIRST + at, Verdict.FAIL)), controls={"n2": Control.BAD})
        for at in range(5)
    ]
    assert _said(runs) == []


def test_only_the_draws_that_are_asked_for_are_told_of() -> None:
    _, runs = _recorded(TrustBook(), [_run(FIRST + at, _check(FIRST + at)) for at in range(3)])
    lies = [
        replace(run, checks=(replace(run.checks[0], event=TrustChange.CONFIRMED),)) for run in runs
    ]
    found = TrustAudit(FROM_S, frozenset(NAMES)).findings(lies, range(FIRST + 1, FIRST + 2))
    assert [said.partition(":")[0] for said in found] == [f"draw {FIRST + 1}"]


def test_every_state_lies_between_those_that_are_followed() -> None:
    """A state of the middle does what the least or the greatest does, check by check."""
    lots = random.Random(7)
    for _ in range(40):
        ones = lots.sample(range(40), lots.randrange(PUBLISHED.degraded_flags_at))
        state = replace(
            NOBODY,
            trust=Trust.PROVEN,
            score=lots.randrange(PUBLISHED.flag_at),
            lately_degraded=sum(1 << one for one in ones),
            wrong_content=lots.randrange(PUBLISHED.wrong_content_flags_at),
            credit=lots.randrange(-3_000, CREDIT_MAX),
        )
        verdicts = lots.choices(list(Verdict)[:3], (8, 2, 3), k=40)
        checks = [_check(FIRST + at, verdict) for at, verdict in enumerate(verdicts)]
        runs = []
        for check in checks:
            after, event = observe(state, check)
            runs.append(_run(check.draw, marked(check, event, state, after)))
            state = after
        assert _said(runs, newcomers=()) == []
    assert len(may_have_been(NOBODY)) == 58
