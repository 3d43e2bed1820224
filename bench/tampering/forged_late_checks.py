"""Checks that are said to have outlasted their draw: lost, moved, taken along twice, changed."""

from dataclasses import replace

from bench.tampering.catalogue import tampering
from bench.tampering.falsified import PASSED, is_first_failure, is_honest_pass
from bench.tampering.forgery import Forgery
from bench.tampering.recording import CALENDAR
from coordinator.checking.checks import Check, Run
from coordinator.checking.put_off import may_carry


async def _put_off(forgery: Forgery) -> tuple[Run, Check]:
    """The first failed check, taken out of its run's record."""
    run, failed = await forgery.pick(is_first_failure)
    kept = tuple(check for check in run.checks if check != failed)
    await forgery.put_run(replace(run, checks=kept, put_off=(*run.put_off, failed.node_id)))
    return run, failed


async def _taken_along(forgery: Forgery, draw: int, check: Check) -> None:
    (run,) = await forgery.runs(range(draw, draw + 1))
    await forgery.put_run(replace(run, checks=(check, *run.checks)))


@tampering("late checks")
async def into_another_epoch(forgery: Forgery) -> None:
    """A failed check put off into the record of a later epoch's draw, settled again."""
    run, failed = await _put_off(forgery)
    draw = run.draw
    while may_carry(draw, failed, CALENDAR):
        draw += 1
    await _taken_along(forgery, draw, failed)
    await forgery.settle_again()


@tampering("late checks")
async def twice(forgery: Forgery) -> None:
    """A pass that the next draw's record takes along once more, settled again."""
    run, passed = await forgery.pick(is_honest_pass)
    await _taken_along(forgery, run.draw + 1, passed)
    await forgery.settle_again()


@tampering("late checks")
async def passed_in_the_end(forgery: Forgery) -> None:
    """A failed check put off, and called passed in the next draw's record, settled again."""
    run, failed = await _put_off(forgery)
    await _taken_along(forgery, run.draw + 1, replace(failed, **PASSED))
    await forgery.settle_again()


@tampering("late checks")
async def excused_by_a_control(forgery: Forgery) -> None:
    """A failed check put off, and its node a control of the record that has it, settled again."""
    run, failed = await _put_off(forgery)
    await _taken_along(forgery, run.draw + 1, failed)
    (later,) = await forgery.runs(range(run.draw + 1, run.draw + 2))
    controls = {**later.controls, failed.node_id: next(iter(later.controls.values()))}
    await forgery.put_run(replace(later, controls=controls))
    await forgery.settle_again()
