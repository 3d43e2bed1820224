"""Trust and lengths: what a check set in motion, back to when it voids, how long it lasted."""

from dataclasses import replace

from bench.tampering.catalogue import tampering
from bench.tampering.falsified import SHAKY, is_honest_pass
from bench.tampering.forgery import Forgery
from bench.tampering.recording import CAST
from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.checking.lengths import Length
from coordinator.checking.stakes import WATCHED_VOIDS_AT_LEAST_S
from tests.builders import an_attempt


def _fails(check: Check) -> bool:
    return check.node_id == SHAKY and check.verdict is Verdict.FAIL and check.caused_by_s is None


def _flags(check: Check) -> bool:
    return check.node_id == SHAKY and check.event is TrustChange.FLAGGED


@tampering("voids")
async def voids_less(forgery: Forgery) -> None:
    """A failed check that voids only what was earned in the last minute, settled again."""
    _, check = await forgery.pick(_fails)
    await forgery.check(_fails, voids_from_s=int(check.due_s) - 60)


@tampering("voids")
async def voids_what_waits(forgery: Forgery) -> None:
    """A failed check that does not say back to when it voids, settled again."""
    await forgery.check(_fails, voids_from_s=None)


@tampering("voids")
async def voids_everything(forgery: Forgery) -> None:
    """A failed check that voids all that is pending, settled again."""
    await forgery.check(_fails, voids_from_s=0)


@tampering("voids")
async def voids_by_a_pass(forgery: Forgery) -> None:
    """A failed check that voids back to a pass of shorter length, settled again."""

    passes = [
        int(check.due_s)
        for run in await forgery.runs()
        for check in run.checks
        if check.node_id == SHAKY and check.verdict is Verdict.PASS
    ]

    def last(check: Check) -> int:
        return max(at_s for at_s in passes if at_s < check.due_s)

    def is_long(check: Check) -> bool:
        is_theirs = check.node_id == SHAKY and check.verdict is Verdict.FAIL
        return is_theirs and check.voids_from_s != last(check)

    _, failed = await forgery.pick(is_long)
    await forgery.check(is_long, voids_from_s=last(failed))


@tampering("voids")
async def called_very_long(forgery: Forgery) -> None:
    """A short check that failed called a very long one, which voids more, settled again."""

    def is_short(check: Check) -> bool:
        return _fails(check) and check.length is Length.SHORT

    _, check = await forgery.pick(is_short)
    seconds = Length.VERY_LONG.at_least_s + 5.0
    attempts = tuple(attempt | {"seconds": seconds} for attempt in check.attempts[:1])
    await forgery.check(is_short, length=Length.VERY_LONG, attempts=attempts, voids_from_s=0)


@tampering("voids")
async def called_watched(forgery: Forgery) -> None:
    """A very long check that failed called one of a watched node, which voids less, settled
    again."""

    def is_longest(check: Check) -> bool:
        return check.length is Length.VERY_LONG and check.is_failed_for_pay

    _, failed = await forgery.pick(is_longest)
    since_s = max(failed.voids_from_s or 0, int(failed.due_s) - WATCHED_VOIDS_AT_LEAST_S)
    await forgery.check(is_longest, is_watched=True, voids_from_s=since_s)


@tampering("voids")
async def retest_cut_short(forgery: Forgery) -> None:
    """A retest made shorter than what it repeats, settled again."""
    checks = [check for run in await forgery.runs() for check in run.checks]
    longer = [c for c in checks if c.node_id == SHAKY and c.length is not Length.SHORT]
    failed_s = {check.due_s for check in longer if check.verdict is Verdict.FAIL}

    def is_longer(check: Check) -> bool:
        return check in longer and check.caused_by_s in failed_s and check.verdict is Verdict.PASS

    _, check = await forgery.pick(is_longer)
    attempt = an_attempt(check.due_s, address=CAST[2].address)
    await forgery.check(is_longer, length=Length.SHORT, attempts=(attempt,))


@tampering("trust")
async def debt_forgiven(forgery: Forgery) -> None:
    """A degraded check that passes had not earned called earned, settled again."""
    await forgery.check(lambda check: check.holds, owes=0)


@tampering("trust")
async def debt_invented(forgery: Forgery) -> None:
    """A check that passed called one after which its node owes seven degraded ones, settled
    again."""
    await forgery.check(is_honest_pass, owes=7)


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
    await forgery.check(is_honest_pass, event=TrustChange.FLAGGED)


@tampering("trust")
async def fraud_invented(forgery: Forgery) -> None:
    """An honest node confirmed as a fraud by a check that passed, settled again."""
    await forgery.check(is_honest_pass, event=TrustChange.CONFIRMED)


@tampering("trust")
async def framed(forgery: Forgery) -> None:
    """A node confirmed as a fraud by a check that only failed, settled again."""
    await forgery.check(_fails, event=TrustChange.CONFIRMED)


@tampering("trust")
async def never_suspected(forgery: Forgery) -> None:
    """A node's flag taken off with all that it caused, settled again."""
    _, flagged = await forgery.pick(_flags)
    for run in await forgery.runs():
        kept = tuple(
            replace(check, event=None) if _is_of_flag(check, flagged) else check
            for check in run.checks
            if not (check.node_id == SHAKY and check.caused_by_s == flagged.due_s)
        )
        if kept != run.checks:
            await forgery.put_run(replace(run, checks=kept))
    await forgery.settle_again()


def _is_of_flag(check: Check, flagged: Check) -> bool:
    is_cleared = check.event is TrustChange.CLEARED and check.due_s < flagged.due_s + 7_200
    return check.node_id == SHAKY and (check == flagged or is_cleared)


@tampering("trust")
async def cleared_at_once(forgery: Forgery) -> None:
    """A flagged node cleared by its first retest, all others removed, settled again."""
    _, flagged = await forgery.pick(_flags)
    retests = [
        (run, check)
        for run in await forgery.runs()
        for check in run.checks
        if check.node_id == SHAKY and flagged.due_s < check.due_s < flagged.due_s + 7_200
        if check.caused_by_s == flagged.due_s
    ]
    passed = next(at for at, (_, c) in enumerate(retests) if c.verdict is Verdict.PASS)
    for run, check in retests[passed:]:
        event = TrustChange.CLEARED if check is retests[passed][1] else None
        checks = tuple(
            replace(c, event=event) if c == check else c for c in run.checks if c != check or event
        )
        await forgery.put_run(replace(run, checks=checks))
    await forgery.settle_again()


@tampering("trust")
async def suspected_for_one_failure(forgery: Forgery) -> None:
    """A node flagged by its first failed check, settled again."""
    await forgery.check(_fails, event=TrustChange.FLAGGED)
