"""Controls, draws and days: aimed, left out, dated otherwise, sealed afterwards."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from bench.tampering.catalogue import SETTLED, tampering
from bench.tampering.falsified import (
    CONTROL,
    LATE_S,
    SHAKY,
    STEADY,
    UNKNOWN,
    is_first_failure,
    is_honest_pass,
    without_retests,
)
from bench.tampering.forgery import Forgery
from bench.tampering.recording import CALENDAR, CAST, DAY, Recording
from coordinator.adapters.store.protocol import Ref
from coordinator.checking.checks import Check, Control, IngestState, Verdict
from coordinator.checking.controls import voided
from coordinator.reasons import Reason
from tests.builders import an_attempt


@tampering("controls")
async def called_a_control(forgery: Forgery) -> None:
    """A node that failed named a control of that run, settled again."""
    run, check = await forgery.pick(is_first_failure)
    await forgery.put_run(replace(run, controls={**run.controls, check.node_id: Control.BAD}))
    await forgery.settle_again()


@tampering("controls")
async def sealed_as_a_control(forgery: Forgery) -> None:
    """A node that failed written into the sealed day's controls afterwards, settled again."""
    await forgery.pick(is_first_failure)
    controls = {CONTROL: "good", SHAKY: "bad"}
    await forgery.fields(forgery.measured, _sealed(), {"controls": controls})
    for run in await forgery.runs():
        named = {check.node_id for check in run.checks} & {SHAKY}
        await forgery.put_run(
            replace(run, controls={**run.controls, **dict.fromkeys(named, Control.BAD)})
        )
    await forgery.settle_all_again()


@tampering("controls")
async def voided_by_a_control_that_passed(forgery: Forgery) -> None:
    """A failed check voided by a control that passed, settled again."""
    _, failed = await forgery.pick(is_first_failure)
    (excused,) = voided([failed], {})
    await forgery.check(is_first_failure, **UNKNOWN | {"reason": excused.reason})


@tampering("controls")
async def a_control_that_never_failed(forgery: Forgery) -> None:
    """A control said to have failed, so that a failed check says nothing, its retests removed"""
    await without_retests(forgery)
    run, _ = await forgery.pick(is_first_failure)
    checks = tuple(map(_voided, run.checks))
    await forgery.put_run(replace(run, checks=checks))
    await forgery.settle_again()


def _voided(check: Check) -> Check:
    """As it would be if the control had failed."""
    if check.node_id == CONTROL:
        attempt = an_attempt(check.due_s, Reason.TOO_SLOW, address=CAST[-1].address)
        attempts = (attempt | {"seconds": check.length.at_least_s + 5.0},)
        return replace(check, verdict=Verdict.FAIL, reason=Reason.TOO_SLOW, attempts=attempts)
    (excused,) = voided([check], {})
    return excused if excused is check else replace(excused, **UNKNOWN)


@tampering("controls")
async def control_left_out(forgery: Forgery) -> None:
    """A control's check taken out of a run, settled again."""
    run, check = await forgery.pick(lambda check: check.node_id == CONTROL)
    checks = tuple(c for c in run.checks if c != check)
    await forgery.put_run(replace(run, checks=checks, controls={}))
    await forgery.settle_again()


@tampering("draws")
async def spared(forgery: Forgery) -> None:
    """A drawn node left out as a confirmed fraud that it is not, settled again."""
    run, check = await forgery.pick(is_first_failure)
    checks = tuple(c for c in run.checks if c != check)
    excluded = {**run.excluded, check.node_id: check.due_s}
    await forgery.put_run(replace(run, checks=checks, excluded=excluded))
    await forgery.settle_again()


@tampering("draws")
async def run_removed(forgery: Forgery) -> None:
    """A whole run removed, settled again."""
    run, _ = await forgery.pick(is_first_failure)
    forgery.measured.forget(Ref("probe_results", run.id))
    await forgery.settle_again()


@tampering("draws", "nobody else reads the ingest: only a second prober would disagree")
async def stream_called_down(forgery: Forgery) -> None:
    """A stream said to be down at the ingest in a draw, settled again"""
    for run in await forgery.runs():
        names = {check.node_id for check in run.checks}
        at_s = run.draw * CALENDAR.check_seconds
        if at_s > LATE_S and not names & {STEADY, SHAKY}:
            forgery.epoch = CALENDAR.epoch_at(at_s)
            await forgery.put_run(
                replace(run, streams={**run.streams, forgery.stream_id: IngestState.DOWN})
            )
            await forgery.settle_again()
            return
    raise LookupError("one of them was checked in every draw")


@tampering("draws")
async def by_an_older_sweep(forgery: Forgery) -> None:
    """A run that went by an older sweep than was there."""
    run, _ = await forgery.pick(is_honest_pass)
    tick = run.draw - 3
    await forgery.put_run(replace(run, sweep_ids=(f"sweep-0of1-{tick:012d}",)))


@tampering("late evidence")
async def run_dated_late(forgery: Forgery) -> None:
    """A run with a failed check dated after the cut-off, settled again."""
    run, _ = await forgery.pick(is_first_failure)
    until_s = CALENDAR.evidence_until_s(forgery.epoch)
    await forgery.put_run(replace(run, ended_s=until_s + 1))
    await forgery.settle_again()


@tampering("everything", SETTLED)
async def all_recorded_anew(forgery: Forgery) -> None:
    """The whole record made anew, as if a node had never failed."""
    anew = Recording(spared=CAST[2].name)
    await anew.live()
    forgery.recording, forgery.measured, forgery.money = anew, anew.measured, anew.money


@tampering("lottery")
async def another_secret(forgery: Forgery) -> None:
    """A secret published that is not the one that was sealed."""
    await forgery.fields(forgery.measured, _sealed(), {"secret": sha256(b"another").digest()})


@tampering("lottery")
async def another_rate(forgery: Forgery) -> None:
    """The sealed rate lowered after the day."""
    await forgery.fields(forgery.measured, _sealed(), {"checks_per_hour": 2})


@tampering("lottery", "no clock but the prober's own dates the seal")
async def sealed_in_time(forgery: Forgery) -> None:
    """A day said to have been sealed a day earlier than it was."""
    early_s = (DAY - timedelta(days=2)).toordinal()
    await forgery.fields(forgery.measured, _sealed(), {"sealed_s": float(early_s)})


def _sealed() -> Ref:
    return Ref("schedule_days", DAY.isoformat())
