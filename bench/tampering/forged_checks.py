"""Checks and draws: dropped, added, aimed, relabelled, excused, dated otherwise.

One module: it is a list, and each of its functions stands alone.
"""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from bench.tampering.catalogue import CAPTURES, SETTLED, tampering
from bench.tampering.forgery import Forgery
from bench.tampering.recording import CALENDAR, CAST, DAY, Recording
from coordinator.adapters.store.protocol import Ref
from coordinator.checking.checks import Check, Control, TrustChange, Verdict
from coordinator.checking.lengths import Length
from coordinator.reasons import Reason
from tests.builders import an_attempt

STEADY, SHAKY, FALSE = (CAST[at].node_id for at in (0, 2, 6))
CONTROL = CAST[-1].node_id
FEW = "one among the coordinator's own faults, and nobody can tell which it was"


def _fails(check: Check) -> bool:
    return check.node_id == SHAKY and check.verdict is Verdict.FAIL and check.caused_by_s is None


def _passes(check: Check) -> bool:
    return check.node_id == STEADY and check.verdict is Verdict.PASS


async def _drop(forgery: Forgery) -> None:
    run, failed = await forgery.pick(_fails)
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
    _, check = await forgery.pick(_passes)
    await forgery.check(_passes, due_s=check.due_s - 1.5)


@tampering("checks")
async def cut_short(forgery: Forgery) -> None:
    """A very long check made short, settled again."""
    wanted = Length.VERY_LONG

    def is_long(check: Check) -> bool:
        return _passes(check) and check.length is wanted

    _, check = await forgery.pick(is_long, after_h=0)
    attempt = an_attempt(check.due_s, address=CAST[0].address)
    await forgery.check(is_long, attempts=(attempt,), length=Length.SHORT)


@tampering("checks")
async def called_unknown(forgery: Forgery) -> None:
    """A failed check called `unknown:capacity`, its connections kept, settled again."""
    await forgery.check(_fails, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_CAPACITY)


@tampering("checks")
async def called_unknown_cleanly(forgery: Forgery) -> None:
    """A failed check called `unknown:capacity`, its connections removed, settled again."""
    await forgery.check(
        _fails, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_CAPACITY, attempts=()
    )


@tampering("checks", FEW)
async def called_unknown_with_its_retests(forgery: Forgery) -> None:
    """A failed check called `unknown` and emptied, and the retests that it caused removed."""
    await _without_retests(forgery)
    await called_unknown_cleanly(forgery)


async def _without_retests(forgery: Forgery) -> None:
    """Removes the checks that the first failure caused."""
    _, failed = await forgery.pick(_fails)
    for run in await forgery.runs():
        kept = tuple(check for check in run.checks if check.caused_by_s != failed.due_s)
        if len(kept) < len(run.checks):
            await forgery.put_run(replace(run, checks=kept))


@tampering("checks")
async def always_called_unknown(forgery: Forgery) -> None:
    """All of a node's failed checks called `unknown`, emptied, without retests, settled again."""
    for run in await forgery.runs():
        checks = tuple(
            replace(
                c, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_CAPACITY, attempts=(), event=None
            )
            if c.node_id == SHAKY and c.verdict is Verdict.FAIL
            else c
            for c in run.checks
            if not (c.node_id == SHAKY and c.caused_by_s)
        )
        await forgery.put_run(replace(run, checks=checks))
    await forgery.settle_all_again()


@tampering("checks")
async def called_too_late(forgery: Forgery) -> None:
    """A failed check called `unknown:late`, though it was recorded in time, settled again."""
    await forgery.check(_fails, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_LATE)


@tampering("checks")
async def called_passed(forgery: Forgery) -> None:
    """A failed check called passed, settled again."""
    await forgery.check(_fails, verdict=Verdict.PASS, reason=Reason.PASSED)


@tampering("checks")
async def called_passed_with_its_numbers(forgery: Forgery) -> None:
    """A failed check and its connections called passed, the numbers kept, settled again."""
    _, check = await forgery.pick(_fails)
    attempts = tuple(a | {"verdict": "pass", "reason": "passed"} for a in check.attempts)
    await forgery.check(_fails, verdict=Verdict.PASS, reason=Reason.PASSED, attempts=attempts)


@tampering("checks")
async def capture_invented(forgery: Forgery) -> None:
    """A failed check given a capture that was never made, settled again."""
    _, check = await forgery.pick(_fails)
    seconds = check.length.at_least_s + 5.0
    attempt = an_attempt(check.due_s, seconds=seconds, address=CAST[2].address)
    await forgery.check(_fails, verdict=Verdict.PASS, reason=Reason.PASSED, attempts=(attempt,))


@tampering("checks", CAPTURES)
async def capture_invented_with_its_retests(forgery: Forgery) -> None:
    """A capture that was never made, and the retests of the failed one removed."""
    await _without_retests(forgery)
    await capture_invented(forgery)


@tampering("checks")
async def called_failed(forgery: Forgery) -> None:
    """A passed check called failed, settled again."""
    await forgery.check(_passes, verdict=Verdict.FAIL, reason=Reason.NO_STREAM)


@tampering("checks")
async def reached_elsewhere(forgery: Forgery) -> None:
    """A node said to be reached at another's address, settled again."""
    _, check = await forgery.pick(_passes)
    attempts = tuple(a | {"address": CAST[2].address} for a in check.attempts)
    await forgery.check(_passes, attempts=attempts)


@tampering("controls")
async def called_a_control(forgery: Forgery) -> None:
    """A node that failed named a control of that run, settled again."""
    run, check = await forgery.pick(_fails)
    await forgery.put_run(replace(run, controls={**run.controls, check.node_id: Control.BAD}))
    await forgery.settle_again()


@tampering("controls")
async def sealed_as_a_control(forgery: Forgery) -> None:
    """A node that failed written into the sealed day's controls afterwards, settled again."""
    await forgery.pick(_fails)
    controls = {CONTROL: "good", SHAKY: "bad"}
    await forgery.fields(forgery.measured, _sealed(), {"controls": controls})
    for run in await forgery.runs():
        named = {check.node_id for check in run.checks} & {SHAKY}
        await forgery.put_run(
            replace(run, controls={**run.controls, **dict.fromkeys(named, Control.BAD)})
        )
    await forgery.settle_all_again()


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
    run, check = await forgery.pick(_fails)
    checks = tuple(c for c in run.checks if c != check)
    excluded = {**run.excluded, check.node_id: check.due_s}
    await forgery.put_run(replace(run, checks=checks, excluded=excluded))
    await forgery.settle_again()


@tampering("draws")
async def run_removed(forgery: Forgery) -> None:
    """A whole run removed, settled again."""
    run, _ = await forgery.pick(_fails)
    forgery.measured.forget(Ref("probe_results", run.id))
    await forgery.settle_again()


@tampering("draws")
async def by_an_older_sweep(forgery: Forgery) -> None:
    """A run that went by an older sweep than was there."""
    run, _ = await forgery.pick(_passes)
    tick = run.draw - 3
    await forgery.put_run(replace(run, sweep_ids=(f"sweep-0of1-{tick:012d}",)))


@tampering("late evidence")
async def run_dated_late(forgery: Forgery) -> None:
    """A run with a failed check dated after the cut-off, settled again."""
    run, _ = await forgery.pick(_fails)
    until_s = CALENDAR.evidence_until_s(forgery.epoch)
    await forgery.put_run(replace(run, ended_s=until_s + 1))
    await forgery.settle_again()


@tampering("trust")
async def flag_removed(forgery: Forgery) -> None:
    """A flag taken off the check that raised it, settled again."""
    await forgery.check(lambda check: check.event is TrustChange.FLAGGED, event=None)


@tampering("trust")
async def fraud_unconfirmed(forgery: Forgery) -> None:
    """A confirmed fraud taken off the check that confirmed it, settled again."""
    await forgery.check(lambda check: check.event is TrustChange.CONFIRMED, event=None)


@tampering("trust")
async def flag_invented(forgery: Forgery) -> None:
    """An honest node flagged by a check that passed, settled again."""
    await forgery.check(_passes, event=TrustChange.FLAGGED)


@tampering("trust")
async def fraud_invented(forgery: Forgery) -> None:
    """An honest node confirmed as a fraud by a check that passed, settled again."""
    await forgery.check(_passes, event=TrustChange.CONFIRMED)


@tampering("trust")
async def framed(forgery: Forgery) -> None:
    """A node confirmed as a fraud by a check that only failed, settled again."""
    await forgery.check(_fails, event=TrustChange.CONFIRMED)


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
