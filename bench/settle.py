"""What settling one epoch of one stream with 10,000 nodes costs: CPU seconds and documents.

Real rules and handlers; documents in memory, and counted as Firestore bills them. The store's
own time is in the figure, a network's is not. `make bench-settle` prints the table.
"""

import asyncio
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from bench.report import Figure, NotMeasurableError, hand_in
from coordinator.adapters.log import Log
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.materialiser import Materialiser
from coordinator.adapters.records.projection_documents import ProjectionWriter
from coordinator.adapters.store.limits import check_document
from coordinator.adapters.store.protocol import Decide, Fields, Ref, Store
from coordinator.checking.checks import RUNS, Check, IngestState, Run, Verdict
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
START_TICK = 28_800_000
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
        self, refs: Sequence[Ref], decide: Decide, new: Collection[Ref] = ()
    ) -> Mapping[Ref, Fields]:
        if refs[0].collection == "accounts":
            return await self._apart.transact(refs, decide, new)
        return await super().transact(refs, decide, new)


async def measured() -> MemoryStore:
    """Every node up in every minute; each is checked four times an hour and passes."""
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
        run = _run(tick, slots)
        await store.put(Ref("probe_results", run.id), RUNS.encode(run))
    return store


def _slot(number: int) -> Slot:
    address = f"51.{number // 250}.{number % 250}.7"
    node_id = f"n{number:019d}"
    return Slot(node_id, "bench", f"http://{address}:8080/", address, 1935, START_TICK, 1.0)


def _run(draw: int, slots: Sequence[Slot]) -> Run:
    checks = []
    for slot in slots[draw % 15 :: 15]:
        at_s = draw * 60.0 + 30.123
        attempt: dict[str, Any] = {
            "started_s": at_s + 0.001, "seconds": 8.017, "verdict": "pass", "reason": "passed",
            "received": 613, "eligible": 601, "matched": 601, "byte_ratio": 1.0, "keyframes": 4,
            "offset_span_ms": 0, "lag_s": 0.213, "bytes": 2_113_447, "cpu_s": 0.093,
            "address": slot.rtmp_host,
        }  # fmt: skip
        checks.append(
            Check(
                slot.node_id, "bench", draw, at_s, Verdict.PASS, Reason.PASSED,
                attempts=(attempt,),
            )
        )  # fmt: skip
    return Run(draw, draw * 60.0, draw * 60.0 + 58, (), {"bench": IngestState.LIVE}, tuple(checks))


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
            Measurements(measurements), Ledger(money), CALENDAR, 24,
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
    head = await Ledger(money).statement("bench", CALENDAR.epoch_at(START_TICK * 60) + 1)
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
