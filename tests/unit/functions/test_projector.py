"""Payout writes projections: after settling, never in its way, and makes up for it."""

import asyncio
import contextlib
import time
from typing import Any

import pytest

from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.projection_documents import ProjectionReader
from coordinator.adapters.store.protocol import Decide, Fields, Ref, Store, StoreError
from coordinator.checking.checks import TrustChange, Verdict
from coordinator.ledger.published_settings import PublishedSettings
from coordinator.projections.node_buckets import NodeEpoch, bucket_of
from coordinator.reasons import Reason
from payout.gatherer import Gatherer
from payout.projector import Newest
from tests.doubles.counting import CountingStore
from tests.doubles.crashing import CrashingStore
from tests.doubles.memory import MemoryStore
from tests.lived import (
    CALENDAR,
    FIRST_EPOCH,
    JOINS_AT,
    LEAVES_AT,
    NODES,
    START_S,
    STREAM_ID,
    Lived,
    lived_through,
)


class BrokenProjections(MemoryStore):
    """Refuses projections, or never answers, while it is told to; all else works."""

    broken: str | None = None

    async def transact(self, refs: Any, decide: Decide, *held: Any) -> Any:
        if self.broken and _is_mine(refs[0]):
            if self.broken == "slow":
                await asyncio.sleep(3600)
            raise StoreError("projections cannot be written")
        return await super().transact(refs, decide, *held)

    def projections(self) -> dict[Ref, Fields]:
        """Every document of the collection."""
        return {ref: fields for ref, fields in self._documents.items() if _is_mine(ref)}


def _is_mine(ref: Ref) -> bool:
    """Whether it is a projection of nodes or streams."""
    return ref.collection == "projections" and ref.id.startswith(("nodes-", "stream-", "incidents"))


def _reader(lived: Lived) -> ProjectionReader:
    return ProjectionReader(lived.measured, lambda: lived.now_s, 0.0)


async def _epochs(lived: Lived, node_id: str) -> list[NodeEpoch]:
    return (await _reader(lived).bucket(node_id)).epochs_of(node_id)


async def test_a_page_holds_what_the_statement_says() -> None:
    """Every row of every node, to the micro-token, and the minutes that it was settled from."""
    lived = await lived_through(3)
    for epoch in range(FIRST_EPOCH, FIRST_EPOCH + 3):
        statement = await Ledger(lived.money).statement(STREAM_ID, epoch)
        assert statement is not None
        for row in statement.rows:
            found = {each.epoch: each for each in await _epochs(lived, row.node_id)}[epoch]
            if not row.minutes_due and not row.unpaid:
                continue  # it left long ago
            (line,) = found.lines
            assert line.row == row
            assert len(line.minutes) == 60
            assert 60 - line.minutes.count("-") == row.minutes_due
            assert line.minutes.count("?") == row.minutes_unknown
            assert line.minutes.count("i") == row.minutes_idle


async def test_a_page_holds_every_check_as_it_was_recorded() -> None:
    """Verdicts, events, causes and all numbers."""
    lived = await lived_through(2)
    ticks = CALENDAR.ticks_of(FIRST_EPOCH)
    from_measurements = lived.settler(lived.now_s).measurements
    runs = await from_measurements.runs(range(ticks.start, ticks.stop))
    events = set()
    for name in NODES:
        recorded = [check for run in runs for check in run.checks if check.node_id == name]
        if not recorded:
            assert name in JOINS_AT
            continue
        (found,) = [e for e in await _epochs(lived, name) if e.epoch == FIRST_EPOCH]
        events |= {check.event for check in found.checks}
        assert [(c.due_s, c.verdict, c.reason, c.event, c.caused_by_s) for c in found.checks] == [
            (c.due_s, c.verdict, c.reason, c.event, c.caused_by_s) for c in recorded
        ]
        assert [len(c.attempts) for c in found.checks] == [len(c.attempts) for c in recorded]
    assert events >= {TrustChange.FLAGGED, TrustChange.SUSPENDED, TrustChange.CONFIRMED}


async def test_a_page_knows_when_a_node_came_and_was_given_up() -> None:
    """Minutes before the first and after the last are nobody's."""
    lived = await lived_through(2)
    new = (await _epochs(lived, "n-new"))[0]
    assert new.lines[0].minutes == "-" * (JOINS_AT["n-new"] - 60) + "u" * 30
    gone = (await _epochs(lived, "n-gone"))[0]
    assert gone.offline_s == (START_S + LEAVES_AT["n-gone"] * 60.0,)
    assert gone.lines[0].minutes.rstrip("-").endswith("ddd")


async def test_a_streams_page_holds_its_hours() -> None:
    """What was paid, voided and returned, and how many checks that rests on."""
    lived = await lived_through(3)
    projection = await _reader(lived).stream(STREAM_ID)
    assert [hour.epoch for hour in projection.hours] == [FIRST_EPOCH + n for n in (2, 1, 0)]
    for hour in projection.hours:
        statement = await Ledger(lived.money).statement(STREAM_ID, hour.epoch)
        assert statement is not None
        assert hour.paid_micros == statement.paid_micros
        assert hour.minutes_paid == sum(row.minutes_paid for row in statement.rows)
        assert hour.balance_after_micros == statement.balance_after_micros
        assert sum(hour.unpaid.values()) == sum(
            minutes for row in statement.rows for _, minutes in row.unpaid
        )
    assert projection.hours[-1].unpaid[Reason.STREAM_IDLE] > 0
    assert projection.hours[0].checks[Verdict.PASS] > 0
    assert projection.thumbnail is not None


async def test_incidents_tell_of_our_faults_and_of_frauds() -> None:
    """Once each, however often an epoch is settled; a node's own failures are not there."""
    lived = await lived_through(2)
    found = {each.key.partition("/")[0]: each for each in (await _reader(lived).incidents()).known}
    assert found.keys() == {"not-measured", "fraud", "suspended"}
    assert found["not-measured"].at_s == START_S + 40 * 60
    assert found["not-measured"].says.startswith("3 minutes of up to 5 nodes.")
    assert "n-fraud" in found["fraud"].title
    assert "n-absent" in found["suspended"].title


@pytest.mark.parametrize("broken", ["refused", "slow"])
async def test_projections_that_cannot_be_written_are_in_nobodys_way(broken: str) -> None:
    """Tokens move all the same, in time; the next epoch makes up for the one that is missing."""
    store = BrokenProjections()
    lived = await Lived(2, measured=store).live()
    before = dict(store.projections())
    settler = lived.settler(lived.now_s + 3600)
    assert settler.projector is not None
    settler.projector.seconds_max = 0.05
    store.broken = broken
    began_s = time.monotonic()
    summary = await settler.settle_due()
    assert time.monotonic() - began_s < 60
    assert [line["epoch"] for line in summary["settled"]] == [FIRST_EPOCH + 2]
    assert store.projections() == before
    store.broken = None
    await lived.settler(lived.now_s + 7200).settle_due()
    epochs = [each.epoch for each in await _epochs(lived, "n-good")]
    assert epochs == [FIRST_EPOCH + n for n in (3, 2, 1, 0)]
    assert [h.epoch for h in (await _reader(lived).stream(STREAM_ID)).hours] == epochs


async def test_after_days_of_outage_a_call_writes_what_is_kept() -> None:
    """Not the epochs that would be dropped at once."""
    lived = await lived_through(1)
    counting = CountingStore(lived.measured)
    late = Lived(1, counting, lived.money)
    summary = await late.settler(late.now_s + 40 * 3600).settle_due()
    assert len(summary["settled"]) == 40
    projection = await _reader(lived).stream(STREAM_ID)
    newest = FIRST_EPOCH + 40
    assert [hour.epoch for hour in projection.hours] == [
        *range(newest, newest - 24, -1),
        FIRST_EPOCH,
    ]


async def test_writing_projections_again_writes_nothing() -> None:
    """Two instances, or a call that is repeated."""
    lived = await lived_through(2)
    counting = CountingStore(lived.measured)
    settler = Lived(2, counting, lived.money).settler(lived.now_s)
    assert settler.projector is not None
    statement = await Ledger(lived.money).statement(STREAM_ID, FIRST_EPOCH + 1)
    stream = await settler.measurements.stream(STREAM_ID)
    assert statement is not None
    assert stream is not None
    newest = Newest()
    newest.add(stream, statement)
    gatherer = Gatherer(
        settler.measurements, settler.ledger, [PublishedSettings.of(CALENDAR, network_percent=100)]
    )
    money = await settler.measurements.money_projection()
    assert money is not None
    writes = counting.operations.writes
    assert await settler.projector.write(gatherer, newest, money)
    assert counting.operations.writes == writes


async def test_an_epoch_costs_a_write_for_each_bucket_and_stream() -> None:
    """And one for the incidents and the money each, whatever the number of nodes in a bucket."""
    lived = await lived_through(2)
    counting = CountingStore(lived.measured)
    later = Lived(2, counting, lived.money)
    before = counting.operations.writes
    await later.settler(later.now_s + 3600).settle_due()
    assert counting.operations.writes - before <= len({bucket_of(name) for name in NODES}) + 3


@pytest.mark.parametrize("dies_after", [False, True])
async def test_a_crash_at_any_call_is_made_up_for(dies_after: bool) -> None:
    """Of what settling reads and writes: after the next epoch all projections are the same.

    But for the excerpts of tokens: those of a projection that was written later are newer."""
    base = await lived_through(2)
    expected = await _projections_after_two_more(base, None, dies_after)
    assert expected is not None
    tokens = _without_tokens(expected)
    calls = 0
    while calls < 200:
        found = await _projections_after_two_more(base, calls, dies_after)
        if found is None:
            break
        found_tokens = _without_tokens(found)
        assert found == expected, f"died at call {calls}"
        assert found_tokens.keys() == tokens.keys()
        assert all(found_tokens[ref] >= written_s for ref, written_s in tokens.items())
        calls += 1
    assert (3 if dies_after else 15) < calls < 200


def _without_tokens(projections: dict[Ref, Fields]) -> dict[Ref, float]:
    """Takes them out of the projections; when they were written."""
    excerpts = {ref: fields.get("money") for ref, fields in projections.items()}
    for ref, fields in projections.items():
        projections[ref] = {name: value for name, value in fields.items() if name != "money"}
    return {ref: money["written_s"] for ref, money in excerpts.items() if money}


async def _projections_after_two_more(
    base: Lived, dies_at: int | None, dies_after: bool
) -> dict[Ref, Fields] | None:
    """They, when the first of two more epochs' runs died there; None if it has no such call."""
    assert isinstance(base.measured, MemoryStore)
    assert isinstance(base.money, MemoryStore)
    measured, money = CrashingStore.beginning_as(base.measured), base.money.copy()
    lived = Lived(base.hours, measured, money)
    measured.calls_left, measured.dies_after = dies_at, dies_after
    with contextlib.suppress(StoreError):
        await lived.settler(lived.now_s + 3600).settle_due()
    died = measured.is_dead
    measured.calls_left = None
    await lived.settler(lived.now_s + 7200).settle_due()
    projections = {ref: fields for ref, fields in _held(measured).items() if _is_mine(ref)}
    return projections if died or dies_at is None else None


def _held(store: Store) -> dict[Ref, Fields]:
    assert isinstance(store, MemoryStore)
    return dict(store._documents)
