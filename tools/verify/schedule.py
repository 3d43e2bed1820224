"""Confirms a day of the lottery from public data alone."""

import hashlib
from datetime import date

from coordinator.checking.checks import Run, TrustChange, Verdict
from coordinator.checking.delistings import RETESTED_AFTER
from coordinator.checking.sealed_days import LotteryDay
from coordinator.sweeping.sweeps import SWEEP_AGE_TICKS_MAX, sweep_id
from tools.verify.day_audit import DayAudit
from tools.verify.public import PublicRecord

FINDINGS_SHOWN_MAX = 50
AGREES, DISAGREES, TOO_EARLY = 0, 1, 2


async def verify_schedule(record: PublicRecord, day: date, sweep_seconds: int) -> int:
    """Prints what agrees and what does not; AGREES, DISAGREES or TOO_EARLY."""
    sealed = await record.day(day)
    if sealed.secret is None:
        print(f"{day}: sealed with {sealed.commitment}; the secret is published after the day.")
        return TOO_EARLY
    if hashlib.sha256(sealed.secret).hexdigest() != sealed.commitment:
        print(f"{day}: the secret is NOT the one that was committed to")
        return DISAGREES
    runs = await record.runs(sealed.draws())
    draws = _draws_on_record(sealed, runs)
    audit = await _audit(record, sealed, runs, draws, sweep_seconds)
    findings = list(audit.findings(runs, draws))
    for finding in findings[:FINDINGS_SHOWN_MAX]:
        print(f"  {finding}")
    print(
        f"{day}: {len(runs)} runs, {audit.checks} checks ({audit.unknown} unknown), "
        f"{len(findings)} findings"
    )
    return DISAGREES if findings else AGREES


def _draws_on_record(sealed: LotteryDay, runs: list[Run]) -> range:
    """All draws of the day; of a network's first day those from its first run on."""
    draws = sealed.draws()
    if sealed.was_sealed_in_advance or not runs:
        return draws
    print(
        f"{sealed.day}: sealed after it had begun, as a network's first day is: "
        f"draws before {runs[0].draw} are not on record"
    )
    return range(runs[0].draw, draws.stop)


async def _audit(
    record: PublicRecord, sealed: LotteryDay, runs: list[Run], draws: range, sweep_seconds: int
) -> DayAudit:
    start = draws.start * sealed.check_seconds // sweep_seconds - SWEEP_AGE_TICKS_MAX
    stop = draws.stop * sealed.check_seconds // sweep_seconds + 1
    sweeps = {sweep_id(s.shard, s.tick): s for s in await record.sweeps(range(start, stop))}
    rosters = {
        key: await record.roster(*key)
        for key in {(s.shard, s.roster_version) for s in sweeps.values()}
    }
    flagged = {
        (check.node_id, check.caused_by_s)
        for run in runs
        for check in run.checks
        if check.caused_by_s is not None
    }
    excluded = {claim for run in runs for claim in run.excluded.items()}
    return DayAudit(
        sealed,
        sweep_seconds,
        sweeps,
        rosters,
        await _confirmed(record, sealed, flagged, TrustChange.FLAGGED),
        await _confirmed(record, sealed, excluded, TrustChange.CONFIRMED),
        failed=await _failed_before(record, sealed),
    )


async def _failed_before(
    record: PublicRecord, sealed: LotteryDay
) -> dict[str, list[tuple[float, int]]]:
    """The checks that failed in the last draws before the day, which it may retest."""
    first = sealed.draws().start
    found: dict[str, list[tuple[float, int]]] = {}
    for run in await record.runs(range(first - RETESTED_AFTER.stop, first)):
        for check in run.checks:
            if check.verdict is Verdict.FAIL:
                found.setdefault(check.node_id, []).append((check.due_s, check.draw))
    return found


async def _confirmed(
    record: PublicRecord, sealed: LotteryDay, claims: set[tuple[str, float]], event: TrustChange
) -> dict[str, float]:
    """Which claims about checks of earlier days their own runs bear out, by node id."""
    found = {}
    for node_id, due_s in claims:
        if due_s >= sealed.starts_s:
            continue
        draw = int(due_s // sealed.check_seconds)
        for run in await record.runs(range(draw, draw + 1)):
            if any((c.node_id, c.due_s, c.event) == (node_id, due_s, event) for c in run.checks):
                found[node_id] = due_s
    return found
