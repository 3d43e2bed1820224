"""Settles a published epoch again, out of public data alone.

Given the statement before it, which can be recomputed in the same way, back to the first."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from coordinator.epochs import EVIDENCE_DAYS, Calendar
from coordinator.ledger.epoch_records import EpochRecord, draws_of
from coordinator.ledger.settlements import settle
from coordinator.ledger.statements import Statement
from coordinator.money import format_tokens
from coordinator.streams import Stream
from coordinator.sweeping.rosters import roster_key
from tools.verify.public import PublicRecord

EQUAL, DIFFERENT, UNTOLD = 0, 1, 2
_EXPIRED = f"cannot be recomputed any more: its evidence was kept for {EVIDENCE_DAYS} days"


async def verify_statement(record: PublicRecord, stream_id: str, epoch: int, now_s: float) -> int:
    """Prints whether the statement is the one that its evidence makes, or where it is not."""
    published = await record.statement(stream_id, epoch)
    if published is None:
        print(f"{stream_id}, epoch {epoch}: not settled")
        return UNTOLD
    if has_expired(published, now_s):
        print(f"{stream_id}, epoch {epoch}: {_EXPIRED}")
        return UNTOLD
    stream = await record.stream(stream_id)
    before = await record.statement(stream_id, epoch - 1)
    calendar = calendar_of(published)
    if before is None and epoch != calendar.epoch_at(stream.created_s):
        print(f"{stream_id}, epoch {epoch - 1}: its statement is missing")
        return DIFFERENT
    if before is not None and before.balance_after_micros > published.balance_before_micros:
        print(f"{stream_id}, epoch {epoch}: begins with less than the statement before left")
        return DIFFERENT
    again = await resettled(record, stream, published, {})
    for difference in differences(published, again):
        print(f"{stream_id}, epoch {epoch}: {difference}")
        return DIFFERENT
    print(
        f"{stream_id}, epoch {epoch}: equal: {len(again.rows)} nodes, "
        f"{sum(row.minutes_paid for row in again.rows)} minutes, "
        f"{format_tokens(again.paid_micros)} tokens"
    )
    return EQUAL


async def resettled(
    record: PublicRecord, stream: Stream, wanted: Statement, known: Mapping[int, Statement]
) -> Statement:
    """The statement that an epoch's evidence makes, under the terms and from the balance of
    `wanted`. Earlier statements are the `known` ones, or else those that are published."""
    epoch, calendar = wanted.epoch, calendar_of(wanted)

    async def earlier(number: int) -> Statement | None:
        return known.get(number) or await record.statement(stream.stream_id, number)

    found = EpochRecord.of(
        epoch,
        calendar,
        wanted.evidence_until_s,
        await record.sweeps(calendar.ticks_of(epoch)),
        await record.runs(draws_of(epoch, calendar)),
    )
    named = {(sweep.shard, sweep.roster_version) for sweep in found.sweeps}
    named |= {roster_key(name) for name in wanted.roster_ids}
    rosters = {key: await record.roster(*key) for key in sorted(named)}
    first = epoch - wanted.terms.holding_epochs if found.frauds() else epoch
    held = [await earlier(number) for number in range(max(0, first), epoch)]
    given = found.epoch_input(
        stream, wanted.terms, rosters, await earlier(epoch - 1), [one for one in held if one]
    )
    return settle(given, wanted.balance_before_micros)


async def dry_run(
    record: PublicRecord, stream_id: str, epochs: range, changes: dict[str, int], now_s: float
) -> int:
    """Settles a past period under changed terms and prints what would have been paid.

    Nothing is written. Each epoch begins with what the one before would have left."""
    stream = await record.stream(stream_id)
    known: dict[int, Statement] = {}
    surplus = 0
    print(f"{'epoch':>10}  {'paid':>16}  {'would pay':>16}  {'would be left':>16}")
    for epoch in epochs:
        published = await record.statement(stream_id, epoch)
        if published is None:
            print(f"{epoch:>10}  not settled")
            return UNTOLD
        if has_expired(published, now_s):
            print(f"{epoch:>10}  {_EXPIRED}")
            return UNTOLD
        wanted = replace(
            published,
            terms=replace(published.terms, **changes),
            balance_before_micros=max(0, published.balance_before_micros + surplus),
        )
        known[epoch] = again = await resettled(record, stream, wanted, known)
        surplus = again.balance_after_micros - published.balance_after_micros
        amounts = (published.paid_micros, again.paid_micros, again.balance_after_micros)
        print(f"{epoch:>10}  " + "  ".join(f"{format_tokens(a):>16}" for a in amounts))
    return EQUAL


def has_expired(published: Statement, now_s: float) -> bool:
    """Whether measurements that the statement rests on may be deleted already."""
    return published.starts_s < now_s - EVIDENCE_DAYS * 86_400


def calendar_of(published: Statement) -> Calendar:
    """The lengths that the statement was settled by."""
    return Calendar(
        sweep_seconds=published.terms.minute_seconds,
        check_seconds=published.check_seconds,
        epoch_seconds=published.ends_s - published.starts_s,
    )


def differences(published: Statement, again: Statement) -> Iterator[str]:
    """What is not the same, most telling first."""
    ours = {row.node_id: row for row in again.rows}
    theirs = {row.node_id: row for row in published.rows}
    for node_id in sorted(ours.keys() | theirs.keys()):
        if node_id not in ours or node_id not in theirs:
            yield f"{node_id} has a row only {'in it' if node_id in theirs else 'recomputed'}"
            continue
        yield from _unequal(theirs[node_id], ours[node_id], f"{node_id} ")
    yield from _unequal(replace(published, rows=()), replace(again, rows=()), "")


def _unequal(published: Any, again: Any, prefix: str) -> Iterator[str]:
    for field in fields(published):
        one, other = getattr(published, field.name), getattr(again, field.name)
        if one != other:
            yield f"{prefix}{field.name}: published {one}, recomputed {other}"
