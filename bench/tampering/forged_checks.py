"""Checks: dropped, added, aimed, relabelled, excused.

One module: it is a list, and each of its functions stands alone.
"""

from dataclasses import replace

from bench.tampering.catalogue import CAPTURES, tampering
from bench.tampering.falsified import (
    CONTROL,
    PASSED,
    SHAKY,
    STEADY,
    UNKNOWN,
    is_first_failure,
    is_honest_pass,
    without_retests,
)
from bench.tampering.forgery import Forgery
from bench.tampering.recording import CALENDAR, CAST
from coordinator.adapters.store.protocol import Ref
from coordinator.checking.checks import RUNS, Check, Verdict
from coordinator.checking.credit import credit_after, owed_after
from coordinator.checking.lengths import Length
from coordinator.checking.partitions import partitions_of
from coordinator.reasons import Reason
from tests.builders import an_attempt


async def _drop(forgery: Forgery) -> None:
    run, failed = await forgery.pick(is_first_failure)
    await forgery.put_run(replace(run, checks=tuple(c for c in run.checks if c != failed)))


@tampering("checks")
async def dropped(forgery: Forgery) -> None:
    """A failed check dropped, settled again."""
    await _drop(forgery)
    await forgery.settle_again()


@tampering("checks")
async def dropped_after_settling(forgery: Forgery) -> None:
    """A failed check dropped, nothing settled again."""
    await _drop(forgery)


@tampering("checks")
async def added(forgery: Forgery) -> None:
    """A failed check added for a node that was not drawn, settled again."""
    run = next(
        run
        for run in await forgery.runs()
        if STEADY not in {check.node_id for check in run.checks} and run.checks
    )
    model = run.checks[0]
    forgery.epoch = CALENDAR.epoch_at(model.due_s)
    attempt = an_attempt(model.due_s, Reason.TOO_SLOW, address=CAST[0].address)
    extra = Check(
        STEADY, forgery.stream_id, run.draw, model.due_s, Verdict.FAIL, Reason.TOO_SLOW,
        attempts=(attempt,),
    )  # fmt: skip
    await forgery.put_run(replace(run, checks=(*run.checks, extra)))
    await forgery.settle_again()


@tampering("checks")
async def aimed(forgery: Forgery) -> None:
    """A check made at another second than was drawn, settled again."""
    _, check = await forgery.pick(is_honest_pass)
    await forgery.check(is_honest_pass, due_s=check.due_s - 1.5)


@tampering("checks")
async def cut_short(forgery: Forgery) -> None:
    """A very long check made short, settled again."""
    wanted = Length.VERY_LONG

    def is_long(check: Check) -> bool:
        return is_honest_pass(check) and check.length is wanted

    _, check = await forgery.pick(is_long, after_h=0)
    attempt = an_attempt(check.due_s, address=CAST[0].address)
    await forgery.check(is_long, attempts=(attempt,), length=Length.SHORT)


@tampering("checks")
async def called_unknown(forgery: Forgery) -> None:
    """A failed check called `unknown:capacity`, its connections kept, settled again."""
    await forgery.check(is_first_failure, reason=Reason.UNKNOWN_CAPACITY, **UNKNOWN)


@tampering("checks")
async def called_unknown_cleanly(forgery: Forgery) -> None:
    """A failed check called `unknown:capacity`, its connections removed, settled again."""
    await forgery.check(is_first_failure, reason=Reason.UNKNOWN_CAPACITY, attempts=(), **UNKNOWN)


@tampering("checks")
async def called_unknown_with_its_retests(forgery: Forgery) -> None:
    """A failed check called `unknown` and emptied, and the retests that it caused removed."""
    await without_retests(forgery)
    await called_unknown_cleanly(forgery)


@tampering("checks")
async def always_called_unknown(forgery: Forgery) -> None:
    """All of a node's failed checks called `unknown`, emptied, without retests, settled again."""
    for run in await forgery.runs():
        checks = tuple(
            replace(c, reason=Reason.UNKNOWN_CAPACITY, attempts=(), **UNKNOWN)
            if c.node_id == SHAKY and c.verdict is Verdict.FAIL
            else c
            for c in run.checks
            if not (c.node_id == SHAKY and c.caused_by_s)
        )
        await forgery.put_run(replace(run, checks=checks))
    await forgery.settle_all_again()


@tampering("checks")
async def called_left(forgery: Forgery) -> None:
    """A failed check called `left`, of a node that stayed, its retests removed, settled again."""
    await without_retests(forgery)
    _, failed = await forgery.pick(is_first_failure)
    left = failed.leaving_at(failed.due_s + 1)
    await forgery.check(is_first_failure, reason=left.reason, attempts=left.attempts)


@tampering("checks")
async def called_busy(forgery: Forgery) -> None:
    """A failed check called `unknown:busy`, its connections removed, settled again."""
    await forgery.check(is_first_failure, reason=Reason.UNKNOWN_BUSY, attempts=(), **UNKNOWN)


@tampering("checks")
async def readers_disagreed(forgery: Forgery) -> None:
    """A failed check and its connections called `unknown:readers`, settled again."""
    await _relabel(forgery, Reason.UNKNOWN_READERS)


@tampering("checks")
async def readers_disagreed_without_retests(forgery: Forgery) -> None:
    """A failed check and its connections called `unknown:readers`, its retests removed"""
    await without_retests(forgery)
    await _relabel(forgery, Reason.UNKNOWN_READERS)


async def _relabel(forgery: Forgery, reason: Reason) -> None:
    """Calls the first failure our own fault, its connections too."""
    _, check = await forgery.pick(is_first_failure)
    attempts = tuple(a | {"verdict": "unknown", "reason": reason.value} for a in check.attempts)
    await forgery.check(is_first_failure, reason=reason, attempts=attempts, **UNKNOWN)


@tampering("checks")
async def called_a_retest(forgery: Forgery) -> None:
    """A drawn check called a retest of an earlier failure, settled again."""
    _, failed = await forgery.pick(is_first_failure)

    def is_next(check: Check) -> bool:
        is_drawn = check.node_id == SHAKY and check.caused_by_s is None
        return is_drawn and check.due_s > failed.due_s and check.verdict is Verdict.PASS

    await forgery.check(is_next, caused_by_s=failed.due_s)


@tampering("checks")
async def degraded_called_passed(forgery: Forgery) -> None:
    """A degraded check called passed, settled again."""
    await forgery.check(_degraded, verdict=Verdict.PASS, reason=Reason.PASSED)


@tampering("checks", CAPTURES)
async def degraded_without_its_failure(forgery: Forgery) -> None:
    """A degraded check called passed, and the connection that failed left out"""
    _, degraded = await forgery.pick(_degraded)
    passed = replace(
        degraded, verdict=Verdict.PASS, reason=Reason.PASSED, attempts=degraded.attempts[-1:]
    )
    credit = 0
    for run in sorted(await forgery.runs(), key=lambda run: run.ended_s):
        checks = []
        for check in run.checks:
            told = passed if check == degraded else check
            if told.node_id == STEADY:  # what it owes has to be told anew from then on
                credit = credit_after(credit, told)
                told = replace(told, owes=owed_after(told, credit))
            checks.append(told)
        if tuple(checks) != run.checks:
            await forgery.put_run(replace(run, checks=tuple(checks)))
    await forgery.settle_again()


@tampering("checks")
async def passed_called_degraded(forgery: Forgery) -> None:
    """A passed check called degraded, settled again."""
    await forgery.check(is_honest_pass, verdict=Verdict.DEGRADED, reason=Reason.DEGRADED)


@tampering("checks")
async def cut_called_degraded(forgery: Forgery) -> None:
    """A check that was cut called degraded, so that nothing is void, settled again."""
    await forgery.check(lambda check: check.is_cut, reason=Reason.DEGRADED, voids_from_s=None)


def _degraded(check: Check) -> bool:
    return check.verdict is Verdict.DEGRADED and check.node_id == STEADY


@tampering("checks")
async def put_off_for_ever(forgery: Forgery) -> None:
    """A failed check put off into a late record that never came, settled again."""
    run, failed = await forgery.pick(is_first_failure)
    checks = tuple(check for check in run.checks if check != failed)
    await forgery.put_run(replace(run, checks=checks, put_off=(*run.put_off, failed.node_id)))
    await forgery.settle_again()


@tampering("checks")
async def in_another_part(forgery: Forgery) -> None:
    """A run called one of two parts, the other of which did not have to check, settled again."""
    run, failed = await forgery.pick(is_first_failure)
    part = next(part for part in partitions_of(2) if not part.holds(failed.node_id))
    checks = tuple(c for c in run.checks if part.holds(c.node_id) or c.node_id == CONTROL)
    forgery.measured.forget(Ref("probe_results", run.id))
    half = replace(run, checks=checks, partition=part.number, partitions=2)
    await forgery.measured.put(Ref("probe_results", half.id), RUNS.encode(half))
    await forgery.settle_again()


@tampering("checks")
async def called_too_late(forgery: Forgery) -> None:
    """A failed check called `unknown:late`, though it was recorded in time, settled again."""
    await forgery.check(is_first_failure, reason=Reason.UNKNOWN_LATE, **UNKNOWN)


@tampering("checks")
async def called_passed(forgery: Forgery) -> None:
    """A failed check called passed, settled again."""
    await forgery.check(is_first_failure, **PASSED)


@tampering("checks")
async def called_passed_with_its_numbers(forgery: Forgery) -> None:
    """A failed check and its connections called passed, the numbers kept, settled again."""
    _, check = await forgery.pick(is_first_failure)
    attempts = tuple(a | {"verdict": "pass", "reason": "passed"} for a in check.attempts)
    await forgery.check(is_first_failure, attempts=attempts, **PASSED)


@tampering("checks")
async def capture_invented(forgery: Forgery) -> None:
    """A failed check given a capture that was never made, settled again."""
    _, check = await forgery.pick(is_first_failure)
    seconds = check.length.at_least_s + 5.0
    attempt = an_attempt(check.due_s, seconds=seconds, address=CAST[2].address)
    await forgery.check(is_first_failure, attempts=(attempt,), **PASSED)


@tampering("checks")
async def capture_invented_with_its_retests(forgery: Forgery) -> None:
    """A capture that was never made, and the retests of the failed one removed."""
    await without_retests(forgery)
    await capture_invented(forgery)


@tampering("checks")
async def called_failed(forgery: Forgery) -> None:
    """A passed check called failed, settled again."""
    await forgery.check(is_honest_pass, verdict=Verdict.FAIL, reason=Reason.NO_STREAM)


@tampering("checks")
async def reached_elsewhere(forgery: Forgery) -> None:
    """A node said to be reached at another's address, settled again."""
    _, check = await forgery.pick(is_honest_pass)
    attempts = tuple(a | {"address": CAST[2].address} for a in check.attempts)
    await forgery.check(is_honest_pass, attempts=attempts)
