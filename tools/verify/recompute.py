"""Settles a published epoch again, out of public data alone, and believes none of the statement.

Terms come from the stream's registration, settings and the cut-off from the dated settings, the
opening balance from the statements and entries before it, controls from the sealed days. Only what
a row hands on is taken from the statement before, which can be recomputed in the same way.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from coordinator.epochs import EVIDENCE_DAYS
from coordinator.ledger.epoch_records import draws_of
from coordinator.ledger.settlements import settle
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.money import format_tokens
from tools.verify.check_audit import put_off_findings, run_findings
from tools.verify.derivation import Derivation, EpochEvidence, UntoldError
from tools.verify.goodbye_audit import GoodbyeAudit
from tools.verify.public import PublicRecord
from tools.verify.sweep_audit import roster_findings, sweep_findings
from tools.verify.trust_audit import TrustAudit, newcomers_among

EQUAL, DIFFERENT, UNTOLD = 0, 1, 2
BELIEVED = (
    "believed, and told by `make verify` alone: how its nodes stood before it, and who was drawn"
)
_EXPIRED = f"cannot be recomputed any more: its evidence was kept for {EVIDENCE_DAYS} days"


async def verify_statement(record: PublicRecord, stream_id: str, epoch: int, now_s: float) -> int:
    """Prints whether the statement is the one that its evidence makes, or where it is not."""
    where = f"{stream_id}, epoch {epoch}"
    try:
        derivation = await Derivation.of(record, stream_id)
        openings, _ = await derivation.openings()
        published = await _published(derivation, epoch, now_s)
        async for difference in statement_differences(derivation, published, openings):
            print(f"{where}: {difference}")
            return DIFFERENT
    except UntoldError as error:
        print(f"{where}: cannot be told: {error}")
        return UNTOLD
    print(
        f"{where}: equal: {len(published.rows)} nodes, "
        f"{sum(row.minutes_paid for row in published.rows)} minutes, "
        f"{format_tokens(published.paid_micros)} tokens"
    )
    print(f"{where}: {BELIEVED}")
    return EQUAL


async def _published(derivation: Derivation, epoch: int, now_s: float) -> Statement:
    """The statement; UntoldError where it cannot be recomputed."""
    published = await derivation.record.statement(derivation.stream.stream_id, epoch)
    if published is None:
        raise UntoldError("not settled")
    if has_expired(derivation, epoch, now_s):
        raise UntoldError(_EXPIRED)
    return published


async def statement_differences(
    derivation: Derivation, published: Statement, openings: Mapping[int, int]
) -> AsyncIterator[str]:
    """Whatever is not as everything else makes it, most telling first."""
    epoch = published.epoch
    past = Past(derivation.record, derivation.stream.stream_id)
    if await past.statement(epoch - 1) is None and epoch > derivation.first_epoch:
        yield f"the statement before it, of epoch {epoch - 1}, is missing"
        return
    if epoch not in openings:
        yield "the sponsor's delivery does not have it"
        return
    evidence = await derivation.evidence(epoch)
    if published.roster_ids and not evidence.rosters:
        raise UntoldError("nobody was swept in it, nor for a week before")
    terms = derivation.terms(epoch)
    again = await resettled(derivation, evidence, past, openings[epoch], terms)
    for difference in differences(published, again):
        yield difference
    for finding in evidence_findings(evidence):
        yield finding


def evidence_findings(evidence: EpochEvidence) -> Iterator[str]:
    """What the epoch's sweeps and checks say that cannot be, whoever is paid by it."""
    calendar = evidence.record.calendar
    yield from sweep_findings(evidence.sweeps, evidence.rosters, calendar)
    yield from roster_findings(evidence.rosters)
    yield from run_findings(evidence.runs, evidence.rosters, calendar)
    yield from GoodbyeAudit(evidence.rosters, calendar.sweep_seconds).findings(evidence.runs)
    yield from put_off_findings(evidence.runs)
    yield from trust_findings(evidence)


def trust_findings(evidence: EpochEvidence) -> Iterator[str]:
    """What checks are said to set in motion, and back to when failures void, folded again.

    How far a node was trusted before the epoch is not looked up: all that may have been is tried.
    So what only earlier checks tell is believed here, and folded by `make verify`."""
    record = evidence.record
    starts_s, _ = record.calendar.epoch_bounds_s(record.epoch)
    seconds = record.calendar.sweep_seconds
    audit = TrustAudit(starts_s, newcomers_among(evidence.rosters, starts_s, seconds))
    yield from audit.findings(evidence.runs, draws_of(record.epoch, record.calendar))


@dataclass
class Past:
    """A stream's earlier statements: the `known` ones, or else those that are published."""

    record: PublicRecord
    stream_id: str
    known: dict[int, Statement] = field(default_factory=dict)

    async def statement(self, epoch: int) -> Statement | None:
        """The one of an epoch, if there is any."""
        return self.known.get(epoch) or await self.record.statement(self.stream_id, epoch)

    async def held(self, epochs: range) -> list[Statement]:
        """All that there are of the epochs."""
        found = [await self.statement(epoch) for epoch in epochs]
        return [one for one in found if one is not None]


async def resettled(
    derivation: Derivation, evidence: EpochEvidence, past: Past, opening_micros: int, terms: Terms
) -> Statement:
    """The statement that an epoch's evidence makes, from a balance and under the terms."""
    epoch = evidence.record.epoch
    first = epoch - terms.holding_epochs if evidence.record.losses() else epoch
    given = evidence.record.epoch_input(
        derivation.stream,
        terms,
        evidence.rosters,
        await past.statement(epoch - 1),
        await past.held(range(max(0, first), epoch)),
    )
    return settle(given, opening_micros)


async def dry_run(
    record: PublicRecord, stream_id: str, epochs: range, changes: dict[str, int], now_s: float
) -> int:
    """Settles a past period under changed terms and prints what would have been paid.

    Nothing is written. Each epoch begins with what the one before would have left."""
    past = Past(record, stream_id)
    surplus = 0
    print(f"{'epoch':>10}  {'paid':>16}  {'would pay':>16}  {'would be left':>16}")
    try:
        derivation = await Derivation.of(record, stream_id)
        for epoch in epochs:
            published = await _published(derivation, epoch, now_s)
            opening = max(0, published.balance_before_micros + surplus)
            terms = replace(derivation.terms(epoch), **changes)
            evidence = await derivation.evidence(epoch)
            again = await resettled(derivation, evidence, past, opening, terms)
            past.known[epoch] = again
            surplus = again.balance_after_micros - published.balance_after_micros
            amounts = (published.paid_micros, again.paid_micros, again.balance_after_micros)
            print(f"{epoch:>10}  " + "  ".join(f"{format_tokens(a):>16}" for a in amounts))
    except UntoldError as error:
        print(f"{epoch:>10}  {error}")
        return UNTOLD
    return EQUAL


def has_expired(derivation: Derivation, epoch: int, now_s: float) -> bool:
    """Whether measurements that the statement rests on may be deleted already."""
    starts_s, _ = derivation.settings(epoch).calendar.epoch_bounds_s(epoch)
    return starts_s < now_s - EVIDENCE_DAYS * 86_400


def differences(published: Statement, again: Statement) -> Iterator[str]:
    """What is not the same, most telling first: what it was settled by, rows, totals."""
    for name in ("terms", "balance_before_micros", "evidence_until_s", "roster_ids"):
        yield from _unequal(published, again, "", (name,))
    ours = {row.node_id: row for row in again.rows}
    theirs = {row.node_id: row for row in published.rows}
    for node_id in sorted(ours.keys() | theirs.keys()):
        if node_id not in ours or node_id not in theirs:
            yield f"{node_id} has a row only {'in it' if node_id in theirs else 'recomputed'}"
            continue
        yield from _unequal(theirs[node_id], ours[node_id], f"{node_id} ")
    yield from _unequal(replace(published, rows=()), replace(again, rows=()), "")


def _unequal(published: Any, again: Any, prefix: str, names: tuple[str, ...] = ()) -> Iterator[str]:
    for name in names or [one.name for one in fields(published)]:
        one, other = getattr(published, name), getattr(again, name)
        if one == other:
            continue
        if hasattr(one, "__dataclass_fields__"):
            yield from _unequal(one, other, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}: published {one}, recomputed {other}"
