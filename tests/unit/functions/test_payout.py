"""Epochs are settled once each, in order, whatever happens in between."""

import asyncio
from typing import Any

import pytest

from coordinator.adapters.log import Log
from coordinator.adapters.memory import MemoryStore
from coordinator.adapters.records import Ledger, Measurements
from coordinator.adapters.store import StoreError
from coordinator.checks import Check, IngestState, Run, Verdict
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from coordinator.rosters import Roster, Slot
from coordinator.streams import Stream, opening_balance
from coordinator.sweeps import Outcome, Poll, Sweep
from payout.settling import EPOCHS_A_CALL_MAX, Settler

CALENDAR = Calendar(sweep_seconds=60, check_seconds=60, epoch_seconds=3600, grace_seconds=120)
EPOCH = 11
START_S = EPOCH * 3600
RATE = 7_200_000
MICROS_A_MINUTE = 120_000
DEPOSIT = 10**9
STREAM = Stream(
    stream_id="s3",
    name="Main stage",
    sponsor="ada",
    reward_micros_per_hour=RATE,
    max_paid_nodes=5,
    created_s=START_S + 7.0,
    key_hash="0" * 64,
    request_hash="0" * 64,
)


class Cut(MemoryStore):
    """A store whose process dies at its n-th write, before or after it took effect."""

    writes_left: int | None = None
    applies_last = False

    async def create(self, *args: Any) -> bool:
        return bool(await self._cut(super().create, *args))

    async def put(self, *args: Any) -> None:
        await self._cut(super().put, *args)

    async def transact(self, *args: Any) -> Any:
        return await self._cut(super().transact, *args)

    async def _cut(self, call: Any, *args: Any) -> Any:
        if self.writes_left == 0:
            if self.applies_last:
                await call(*args)
            raise StoreError("the process died here")
        if self.writes_left is not None:
            self.writes_left -= 1
        return await call(*args)


def _slot(node_id: str) -> Slot:
    return Slot(node_id, "s3", "http://192.0.2.5/", "192.0.2.5", 1935, START_S // 60, 1.0)


async def _evidence(measured: MemoryStore, epochs: int = 1, stream: Stream = STREAM) -> None:
    """Two nodes up in every minute; n2 passes a check each quarter hour, n5 fails its last."""
    measurements = Measurements(measured)
    await measurements.create_stream(stream)
    await measurements.put_roster(Roster(0, 1, 1.0, (_slot("n2"), _slot("n5"))))
    up = Poll(Outcome.UP, Reason.OK, 1, 1)
    for tick in range(START_S // 60, START_S // 60 + 60 * epochs):
        await measurements.create_sweep(Sweep(0, tick, 1, {0: up, 1: up}), START_S)
        if tick % 15 == 0:
            at_s = tick * 60.0 + 30
            good = Check("n2", "s3", tick, at_s, Verdict.PASS, Reason.PASSED)
            bad = Check("n5", "s3", tick, at_s, Verdict.FAIL, Reason.NO_STREAM)
            fair = Check("n5", "s3", tick, at_s, Verdict.PASS, Reason.PASSED)
            checks = (good, bad if tick % 60 == 45 else fair)
            run = Run(tick, at_s, at_s + 5, (), {"s3": IngestState.LIVE}, checks)
            await measurements.record_run(run, START_S)


def _settler(measured: MemoryStore, money: MemoryStore, now_s: float) -> Settler:
    log = Log("payout", "ERROR")
    return Settler(Measurements(measured), Ledger(money), CALENDAR, 2, lambda: now_s, log)


async def _money(stream: Stream = STREAM) -> Cut:
    money = Cut()
    await Ledger(money).open(opening_balance(stream, DEPOSIT, CALENDAR))
    return money


AFTER = START_S + 3600 + 120.0


async def test_an_epoch_is_settled_from_its_evidence() -> None:
    """Minutes, checks, rate: n2 is unproven for one minute, n5 loses its last quarter hours."""
    measured, money = MemoryStore(), await _money()
    await _evidence(measured)
    summary = await _settler(measured, money, AFTER).settle_due()
    statement = await Ledger(money).statement("s3", EPOCH)
    assert statement is not None
    rows = {row.node_id: row for row in statement.rows}
    assert (rows["n2"].minutes_unproven, rows["n2"].minutes_paid) == (1, 45)
    assert rows["n2"].minutes_waiting == 14
    assert (rows["n5"].minutes_paid, rows["n5"].minutes_voided) == (30, 15)
    assert statement.paid_micros == 75 * MICROS_A_MINUTE
    assert summary["settled"][0]["paid_micros"] == statement.paid_micros
    (balance,) = await Ledger(money).balances(["s3"])
    assert balance is not None
    assert balance.balance_micros == DEPOSIT - statement.paid_micros
    accounts = await Ledger(money).accounts()
    assert accounts.nodes["n2"].pending_micros == 45 * MICROS_A_MINUTE


async def test_an_epoch_is_not_settled_before_its_grace_period_is_over() -> None:
    """Late evidence still counts until then."""
    measured, money = MemoryStore(), await _money()
    await _evidence(measured)
    summary = await _settler(measured, money, AFTER - 1).settle_due()
    assert summary == {"settled": [], "more": False}


async def test_settling_twice_is_settling_once() -> None:
    """A duplicate trigger finds nothing to do."""
    measured, money = MemoryStore(), await _money()
    await _evidence(measured)
    settler = _settler(measured, money, AFTER)
    await settler.settle_due()
    before = dict(money._documents)
    assert (await settler.settle_due())["settled"] == []
    assert money._documents == before


async def test_two_instances_at_once_settle_once() -> None:
    """One wins each epoch; tokens move once."""
    measured, money = MemoryStore(), await _money()
    await _evidence(measured, epochs=3)
    now_s = AFTER + 2 * 3600
    await asyncio.gather(*(_settler(measured, money, now_s).settle_due() for _ in range(3)))
    await _assert_whole(money, epochs=3)


@pytest.mark.parametrize("applies_last", [False, True])
@pytest.mark.parametrize("writes", range(7))
async def test_a_crash_at_any_write_is_resumed(writes: int, applies_last: bool) -> None:
    """The next run ends where an undisturbed one would."""
    measured, money = MemoryStore(), await _money()
    await _evidence(measured, epochs=3)
    money.writes_left, money.applies_last = writes, applies_last
    now_s = AFTER + 2 * 3600
    try:
        await _settler(measured, money, now_s).settle_due()
    except StoreError:
        assert writes < 6
    money.writes_left = None
    await _settler(measured, money, now_s).settle_due()
    await _assert_whole(money, epochs=3)


async def _assert_whole(money: MemoryStore, epochs: int) -> None:
    ledger = Ledger(money)
    statements = await ledger.statements("s3", 0, 200)
    assert [s.epoch for s in statements] == list(range(EPOCH, EPOCH + epochs))
    paid = sum(statement.paid_micros for statement in statements)
    (balance,) = await ledger.balances(["s3"])
    assert balance is not None
    assert balance.balance_micros + paid == balance.deposited_micros == DEPOSIT
    accounts = await ledger.accounts()
    assert sum(account.earned_micros for account in accounts.nodes.values()) == paid
    waited = statements[0].rows[0].minutes_waiting
    assert statements[1].rows[0].minutes_waiting_before == waited == 14


async def test_days_of_outage_are_caught_up_within_bounds() -> None:
    """A call settles so much and says that there is more."""
    measured, money = MemoryStore(), await _money()
    await _evidence(measured)
    settler = _settler(measured, money, AFTER + 100 * 3600)
    first = await settler.settle_due()
    assert (len(first["settled"]), first["more"]) == (EPOCHS_A_CALL_MAX, True)
    while (await settler.settle_due())["more"]:
        pass
    (balance,) = await Ledger(money).balances(["s3"])
    assert balance is not None
    assert balance.next_epoch == EPOCH + 101


async def test_a_stream_that_ends_in_mid_epoch_pays_to_its_end() -> None:
    """And is settled no further."""
    ending = STREAM.model_copy(update={"ends_s": START_S + 1800.0})
    measured, money = MemoryStore(), await _money(ending)
    await _evidence(measured, epochs=2, stream=ending)
    await _settler(measured, money, AFTER + 50 * 3600).settle_due()
    statements = await Ledger(money).statements("s3", 0, 200)
    assert [statement.epoch for statement in statements] == [EPOCH]
    assert statements[0].rows[0].minutes_up == 30


async def test_an_epoch_without_any_sweep_pays_nobody() -> None:
    """Nothing was measured, so nothing is known, so nothing is paid yet."""
    measured, money = MemoryStore(), await _money()
    measurements = Measurements(measured)
    await measurements.create_stream(STREAM)
    await measurements.put_roster(Roster(0, 1, 1.0, (_slot("n2"),)))
    await _settler(measured, money, AFTER).settle_due()
    statement = await Ledger(money).statement("s3", EPOCH)
    assert statement is not None
    assert [(r.minutes_due, r.minutes_unknown, r.minutes_paid) for r in statement.rows] == [
        (60, 60, 0)
    ]


async def test_minutes_in_which_the_ingest_had_no_stream_are_not_up() -> None:
    """Or a node could claim them while nobody can check."""
    measured, money = MemoryStore(), await _money()
    await _evidence(measured)
    down = [
        Run(tick, 0.0, 0.0, (), {"s3": IngestState.DOWN}, ())
        for tick in range(START_S // 60 + 1, START_S // 60 + 11)
    ]
    for run in down:
        await Measurements(measured).record_run(run, START_S)
    await _settler(measured, money, AFTER).settle_due()
    statement = await Ledger(money).statement("s3", EPOCH)
    assert statement is not None
    assert statement.rows[0].minutes_up == 50
