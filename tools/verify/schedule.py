"""Confirms a day of the lottery from public data alone."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from coordinator.checking.checks import Run, TrustChange, Verdict
from coordinator.checking.delistings import RETESTED_AFTER
from coordinator.checking.lengths import LAST_RECORD_S_MAX
from coordinator.checking.sealed_days import LotteryDay
from coordinator.ledger.published_settings import PublishedSettings
from coordinator.sweeping.sweeps import SWEEP_AGE_TICKS_MAX, sweep_id
from tools.verify.check_audit import run_findings
from tools.verify.check_lengths import Lengths
from tools.verify.day_audit import DayAudit
from tools.verify.goodbye_audit import GoodbyeAudit
from tools.verify.public import PublicRecord
from tools.verify.sweep_audit import memory_findings, roster_findings, sweep_findings
from tools.verify.trust_audit import TrustAudit, newcomers_among
from tools.verify.unknown_shares import UnknownShare, findings, unknown_shares

FINDINGS_SHOWN_MAX = 50
SHARES_SHOWN_MAX = 5
AGREES, DISAGREES, TOO_EARLY = 0, 1, 2


@dataclass
class DayReport:
    """What a day's checks come to, held against everything else that is published of it."""

    day: date
    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    runs: int = 0
    checks: int = 0
    unknown: int = 0
    shares: list[UnknownShare] = field(default_factory=list)
    """Of unknown checks, the most unlikely first."""

    def print(self) -> None:
        """For people."""
        for note in self.notes:
            print(f"{self.day}: {note}")
        for finding in self.findings[:FINDINGS_SHOWN_MAX]:
            print(f"  {finding}")
        print(
            f"{self.day}: {self.runs} runs, {self.checks} checks ({self.unknown} unknown), "
            f"{len(self.findings)} findings"
        )
        print_shares(self.shares)


def print_shares(shares: list[UnknownShare]) -> None:
    """The most unlikely ones, of nodes that have any unknown check."""
    some = [share for share in shares if share.unknown]
    if some:
        print("Shares of unknown checks, the least likely by chance first:")
    for share in some[:SHARES_SHOWN_MAX]:
        print(f"  {share}")


async def verify_schedule(record: PublicRecord, day: date) -> int:
    """Prints what agrees and what does not; AGREES, DISAGREES or TOO_EARLY."""
    sealed = await record.day(day)
    if sealed.secret is None:
        print(f"{day}: sealed with {sealed.commitment}; the secret is published after the day.")
        return TOO_EARLY
    history = await record.settings()
    if not history:
        print(f"{day}: no settings are published yet: see /config")
        return TOO_EARLY
    report = await day_report(record, sealed, history[-1])
    report.print()
    return DISAGREES if report.findings else AGREES


async def day_report(
    record: PublicRecord, sealed: LotteryDay, settings: PublishedSettings
) -> DayReport:
    """Of an opened day."""
    report, calendar = DayReport(sealed.day), settings.calendar
    if sealed.secret is None or hashlib.sha256(sealed.secret).hexdigest() != sealed.commitment:
        report.findings = ["the secret is NOT the one that was committed to"]
        return report
    runs = await record.runs(sealed.draws())
    if sealed.controls is None:
        report.notes.append("sealed without its control nodes: runs are believed which those are")
    draws = _draws_on_record(sealed, runs, report)
    earlier = await _earlier(record, sealed, settings)
    audit = await _audit(record, sealed, runs, earlier, draws, settings)
    controlled = [replace(run, controls=dict(audit.sealed_controls(run))) for run in runs]
    trust = TrustAudit(_looked_back_to(sealed, settings), audit.lengths.newcomers)
    report.findings += trust.findings([*earlier, *controlled], sealed.draws())  # all else follows
    report.findings += audit.findings(runs, draws)
    report.findings += sweep_findings(audit.sweeps.values(), audit.rosters, calendar)
    report.findings += memory_findings(audit.sweeps.values(), audit.rosters)
    report.findings += roster_findings(audit.rosters)
    report.findings += run_findings(controlled, audit.rosters, calendar)
    goodbyes = GoodbyeAudit(audit.rosters, calendar.sweep_seconds)
    report.findings += goodbyes.findings(controlled)
    checks = [check for run in runs for check in run.checks]
    report.shares = unknown_shares(checks, {name for run in controlled for name in run.controls})
    report.findings += findings(report.shares)
    report.runs, report.checks, report.unknown = len(runs), audit.checks, audit.unknown
    return report


def _draws_on_record(sealed: LotteryDay, runs: list[Run], report: DayReport) -> range:
    """All draws of the day; of a network's first day those from its first run on."""
    draws = sealed.draws()
    if sealed.was_sealed_in_advance or not runs:
        return draws
    report.notes.append(
        "sealed after it had begun, as a network's first day is: "
        f"draws before {runs[0].draw} are not on record"
    )
    return range(runs[0].draw, draws.stop)


async def _earlier(
    record: PublicRecord, sealed: LotteryDay, settings: PublishedSettings
) -> list[Run]:
    """The runs before the day in which anything was earned that the day may void."""
    first = int(_looked_back_to(sealed, settings) // sealed.check_seconds)
    return await record.runs(range(first, sealed.draws().start))


def _looked_back_to(sealed: LotteryDay, settings: PublishedSettings) -> float:
    held = (settings.holding_epochs + 1) * settings.epoch_seconds // sealed.check_seconds
    first = sealed.draws().start
    return float(min(first - RETESTED_AFTER.stop, first - held) * sealed.check_seconds)


async def _audit(  # noqa: PLR0913, PLR0917 - what a day is held against is all of it
    record: PublicRecord,
    sealed: LotteryDay,
    runs: list[Run],
    earlier: list[Run],
    draws: range,
    settings: PublishedSettings,
) -> DayAudit:
    sweep_seconds = settings.sweep_seconds
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
        failed=_failed(earlier),
        lengths=Lengths.after(
            (check for run in earlier for check in run.checks),
            sealed.check_seconds,
            newcomers_among(rosters, _looked_back_to(sealed, settings), sweep_seconds),
        ),
    )


def _failed(earlier: Iterable[Run]) -> dict[str, list[tuple[float, int]]]:
    """The checks that failed before the day, which it may retest."""
    found: dict[str, list[tuple[float, int]]] = {}
    for run in earlier:
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
        late_draws = int(LAST_RECORD_S_MAX // sealed.check_seconds) + 1
        for run in await record.runs(range(draw, draw + 1 + late_draws)):
            if any((c.node_id, c.due_s, c.event) == (node_id, due_s, event) for c in run.checks):
                found[node_id] = due_s
    return found
