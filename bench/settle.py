"""What settling one epoch of one stream with 10,000 nodes costs: CPU seconds and documents.

Real rules and handlers; documents in memory, and counted as Firestore bills them. The store's
own time is in the figure, a network's is not. `make bench-settle` prints the table.
One module: what is measured is beside the network that it is measured on.
"""

import asyncio
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Any

from bench.report import Figure, NotMeasurableError, hand_in
from coordinator.adapters.log import Log
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.materialiser import Materialiser
from coordinator.adapters.records.projection_documents import ProjectionWriter
from coordinator.adapters.store.limits import check_document
from coordinator.adapters.store.protocol import AsRead, Decide, Fields, Ref, Store
from coordinator.checking.checks import RUNS, Check, IngestState, Run, Verdict
from coordinator.checking.lengths import (
    FIRST_RECORD_S_MAX,
    RECORD_AFTER_S,
    VERY_LONG_S,
    Length,
)
from coordinator.epochs import Calendar
from coordinator.ledger.balances import opening_balance
from coordinator.ledger.published_settings import PublishedSettings
from coordinator.ledger.statements import Statement
from coordinator.projections.node_buckets import BUCKETS
from coordinator.reasons import Reason
from coordinator.streams import Stream
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import SWEEPS, Sweep
from emulator.unread import quiet_when_unread
from payout.gatherer import Gatherer
from payout.projector import Newest, Projector
from payout.settler import Settler
from tests.doubles.counting import CountingStore, Operations
from tests.doubles.memory import MemoryStore

NODES = 10_000
CALENDAR = Calendar()
EPOCHS = 2
"""The first one gives the second, which is measured, something to carry."""
HOLDING_EPOCHS = 24
FAILED, DEGRADED = 9, 300
"""Of 10,000 checks of an honest node: so many fail, and so many do or are degraded."""
_VOIDS_S = {Length.SHORT: 900, Length.LONG: 3_600, Length.VERY_LONG: 18_000}
"""What a failed one voids; one of three voids twice, and one three times as much."""
_REASONS = {
    Verdict.PASS: Reason.PASSED,
    Verdict.DEGRADED: Reason.DEGRADED,
    Verdict.FAIL: Reason.NO_STREAM,
}
START_TICK = 28_800_000
FIRST_EPOCH = CALENDAR.epoch_at(START_TICK * 60)
STREAM = Stream(
    stream_id="bench",
    name="Main stage",
    sponsor="ada",
    reward_micros_per_hour=7_000_000,
    max_paid_nodes=NODES,
    created_s=START_TICK * 60.0,
    key_hash="",
    request_hash="",
)


class MoneyStore(CountingStore):
    """Counts the accounts apart: they are a projection, and not part of the goal."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._apart = CountingStore(store)

    @property
    def accounts(self) -> Operations:
        """What the accounts cost."""
        return self._apart.operations

    async def get(self, *refs: Ref) -> list[Fields | None]:
        if refs and refs[0].collection == "accounts":
            return await self._apart.get(*refs)
        return await super().get(*refs)

    async def transact(
        self,
        refs: Sequence[Ref],
        decide: Decide,
        new: Collection[Ref] = (),
        seen: Mapping[Ref, AsRead] | None = None,
    ) -> Mapping[Ref, Fields]:
        if refs[0].collection == "accounts":
            return await self._apart.transact(refs, decide, new, seen)
        return await super().transact(refs, decide, new, seen)


async def measured() -> MemoryStore:
    """Every node up in every minute; each is checked four times an hour."""
    store = MemoryStore()
    measurements = Measurements(store)
    await measurements.create_stream(STREAM)
    slots = tuple(_slot(number) for number in range(NODES))
    await measurements.put_roster(Roster(WHOLE, 1, 1.0, slots))
    polls = dict.fromkeys(range(NODES), Poll(Outcome.UP, Reason.OK, 60, 60))
    fields = SWEEPS.encode(Sweep(WHOLE, 0, 1, polls))
    for tick in range(START_TICK, START_TICK + 60 * EPOCHS):
        sweep = {**fields, "tick": tick, "sweep_tick": tick, "recorded_s": tick * 60.0 + 7}
        await store.put(Ref("probe_results", Sweep(WHOLE, tick, 1, {}).id), sweep)
    for run in _runs(range(START_TICK, START_TICK + 60 * EPOCHS), slots):
        await store.put(Ref("probe_results", run.id), RUNS.encode(run))
    return store


def _slot(number: int) -> Slot:
    address = f"51.{number // 250}.{number % 250}.7"
    node_id = f"n{number:019d}"
    return Slot(node_id, "bench", f"http://{address}:8080/", address, 1935, START_TICK, 1.0)


def _runs(draws: range, slots: Sequence[Slot]) -> Iterator[Run]:
    """As the prober records them: the next record of the epoch has very long checks that are over
    by then, and records of their own have what is left (`prober.late_checks`)."""
    waiting: list[Check] = []
    for draw in draws:
        checks = [_check(draw, slot) for slot in slots[draw % 15 :: 15]]
        late = [check for check in checks if check.length is Length.VERY_LONG]
        first = tuple(check for check in checks if check not in late)
        ended_s = (draw + 1) * 60.0 + RECORD_AFTER_S
        over = tuple(check for check in waiting if _over_s(check) <= ended_s)
        live = {STREAM.stream_id: IngestState.LIVE}
        run = Run(draw, draw * 60.0, ended_s + 2, (), live, (*first, *over))
        yield replace(run, put_off=tuple(check.node_id for check in late))
        waiting = [check for check in (*waiting, *late) if check not in over]
        if (draw + 1) % 60 == 0:
            yield from _left(run, waiting)
            waiting = []


def _left(last: Run, waiting: Sequence[Check]) -> Iterator[Run]:
    """An epoch's end: the first one that has waited for long enough has all that are over."""
    while waiting:
        until_s = min(map(_over_s, waiting)) + 60 + FIRST_RECORD_S_MAX
        over = tuple(check for check in waiting if _over_s(check) <= until_s)
        run = replace(last, draw=over[0].draw, checks=over, is_late=True, ended_s=until_s + 2)
        yield run
        waiting = [check for check in waiting if check not in over]


def _over_s(check: Check) -> float:
    """Two minutes, and once more a minute later where it was not well."""
    return check.due_s + VERY_LONG_S * len(check.attempts) + 30 * (2 * len(check.attempts) - 1)


def _check(draw: int, slot: Slot) -> Check:
    """As an honest node's come out: 9 of 10,000 fail, 291 are degraded, one of 20 is very long."""
    lot = int.from_bytes(sha256(f"{draw}|{slot.node_id}".encode()).digest()[:8])
    length = (Length.VERY_LONG, *[Length.LONG] * 5, *[Length.SHORT] * 14)[lot % 20]
    at_s, roll = draw * 60.0 + 30.123, lot // 20 % 10_000
    verdicts = (Verdict.FAIL,) * (roll < FAILED) + (Verdict.DEGRADED,) * (roll < DEGRADED)
    verdict = (*verdicts, Verdict.PASS)[0]
    voids_s = _VOIDS_S[length] * (1 + lot // 200_000 % 3)
    return Check(
        slot.node_id, STREAM.stream_id, draw, at_s, verdict, _REASONS[verdict],
        attempts=(_attempt(at_s, slot),) * (1 if verdict is Verdict.PASS else 2),
        length=length,
        voids_from_s=int(at_s) - voids_s if verdict is Verdict.FAIL else None,
    )  # fmt: skip


def _attempt(at_s: float, slot: Slot) -> dict[str, Any]:
    return {
        "started_s": at_s + 0.001, "seconds": 8.017, "verdict": "pass", "reason": "passed",
        "received": 613, "eligible": 601, "matched": 601, "byte_ratio": 1.0, "keyframes": 4,
        "offset_span_ms": 0, "lag_s": 0.213, "bytes": 2_113_447, "cpu_s": 0.093,
        "address": slot.rtmp_host,
    }  # fmt: skip


async def _held(money: Store, last: Statement) -> None:
    """The statements of the epochs before the last one: they are read, and paid nobody."""
    rows = tuple(replace(row, earned_micros=0) for row in last.rows)
    for back in range(1, HOLDING_EPOCHS):
        shift_s = back * CALENDAR.epoch_seconds
        older = replace(
            last,
            rows=rows,
            epoch=last.epoch - back,
            starts_s=last.starts_s - shift_s,
            ends_s=last.ends_s - shift_s,
        )
        for number, fields in enumerate(older.to_documents()):
            name = f"{older.id}.{number}" if number else older.id
            await money.put(Ref("statements", name), fields)


async def _projections(store: CountingStore, ledger: Ledger, statement: Statement) -> list[Figure]:
    """What it costs to show that epoch, with all that settling has read at hand."""
    measurements = Measurements(store)
    gatherer = Gatherer(measurements, ledger, [PublishedSettings.of(CALENDAR)])
    await gatherer.recorded(statement.epoch)
    newest = Newest()
    newest.add(STREAM, statement)
    money = await Materialiser(measurements, ledger, lambda: statement.ends_s).projection()
    store.operations = Operations()
    projector = Projector(measurements, ledger, ProjectionWriter(store), Log("payout", "ERROR"))
    began_s = time.process_time()
    if not await projector.write(gatherer, newest, money):
        raise NotMeasurableError("the projections were not written")
    seconds = time.process_time() - began_s
    writes, largest = store.operations.writes, 0
    for bucket in range(BUCKETS):
        (fields,) = await store.get(Ref("projections", f"nodes-{bucket}"))
        largest = max(largest, check_document(Ref("projections", "nodes"), fields or {}))
    return [
        Figure("projections of 10,000 nodes: CPU", seconds, "s"),
        Figure("documents of projections written", writes, ""),
        Figure("the largest of them, with one epoch", largest, "B"),
    ]


async def settle() -> list[Figure]:
    """Settles the first epoch, then measures the second."""
    measurements = CountingStore(await measured())
    money = MoneyStore(MemoryStore())
    await Ledger(money).open(opening_balance(STREAM, 10**18, CALENDAR))
    seconds = 0.0
    spent = Operations()
    for epoch in range(EPOCHS):
        measurements.operations, money.operations = Operations(), Operations()
        money.accounts.reads = money.accounts.writes = 0
        now_s = (START_TICK + 60 * (epoch + 1)) * 60.0 + CALENDAR.grace_seconds
        settler = Settler(
            Measurements(measurements), Ledger(money), CALENDAR, HOLDING_EPOCHS,
            partial(float, now_s),  # a clock that stands still
            Log("payout", "ERROR"),
        )  # fmt: skip
        began_s = time.process_time()
        done = await settler.settle_due()
        seconds = time.process_time() - began_s
        if len(done["settled"]) != 1:
            raise NotMeasurableError(f"not one epoch was settled: {done}")
        spent = Operations(
            measurements.operations.reads + money.operations.reads,
            measurements.operations.writes + money.operations.writes,
        )
        settled = await Ledger(money).statement(STREAM.stream_id, FIRST_EPOCH + epoch)
        if epoch == 0 and settled:
            await _held(money, settled)
    head = await Ledger(money).statement(STREAM.stream_id, FIRST_EPOCH + 1)
    if head is None:
        raise NotMeasurableError("there is no statement of the settled epoch")
    size = sum(len(each) for part in head.to_documents() for each in part["rows"].values())
    return [
        *await _projections(measurements, Ledger(money), head),
        Figure("settling 10,000 nodes: CPU", seconds, "s", "<= 2"),
        Figure("documents besides the accounts'", spent.reads + spent.writes, "", "<= 200"),
        Figure("of these written", spent.writes, ""),
        Figure("the accounts' documents", money.accounts.reads + money.accounts.writes, ""),
        Figure("rows of the statement, packed", size, "B"),
        Figure("minutes paid", sum(row.minutes_paid for row in head.rows), ""),
    ]


if __name__ == "__main__":
    sys.exit(quiet_when_unread(lambda: hand_in("bench-settle", asyncio.run(settle()))))
