"""Epochs are settled once each, in order, whatever happens in between."""

import asyncio
import itertools
import json
from contextlib import suppress
from dataclasses import replace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.settings import PayoutSettings
from coordinator.adapters.store.protocol import Ref, StoreError
from coordinator.checking.checks import RUNS, Check, IngestState, Run, TrustChange, Verdict, run_id
from coordinator.checking.sealed_days import days_around
from coordinator.ledger.balances import BALANCES, opening_balance
from coordinator.ledger.entries import EntryKind
from coordinator.projections.money_projection import MONEY_PROJECTIONS, MoneyProjection
from coordinator.reasons import Reason
from coordinator.streams import Stream
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from payout.settler import EPOCHS_A_CALL_MAX, SECONDS_MAX, Settler
from payout.wiring import build_on
from tests.doubles.crashing import CrashingStore
from tests.doubles.jobs import MemoryScheduler
from tests.doubles.memory import MemoryStore
from tests.settled_epochs import (
    CALENDAR,
    DEPOSIT,
    EPOCH,
    MICROS_A_MINUTE,
    START_S,
    STREAM,
    evidence,
    slot_of,
)


def _settler(measured: MemoryStore, money: MemoryStore, now_s: float) -> Settler:
    log = Log("payout", "ERROR")
    return Settler(Measurements(measured), Ledger(money), CALENDAR, 2, lambda: now_s, log)


async def _money(stream: Stream = STREAM) -> CrashingStore:
    money = CrashingStore()
    await Ledger(money).open(opening_balance(stream, DEPOSIT, CALENDAR))
    return money


AFTER = START_S + 3600 + 120.0


async def test_an_epoch_is_settled_from_its_evidence() -> None:
    """Minutes, checks, rate: n2 is unproven for one minute, n5 loses its last quarter hours."""
    measured, money = MemoryStore(), await _money()
    await evidence(measured)
    summary = await _settler(measured, money, AFTER).settle_due()
    statement = await Ledger(money).statement("s3", EPOCH)
    assert statement is not None
    rows = {row.node_id: row for row in statement.rows}
    assert (rows["n2"].minutes_unproven, rows["n2"].minutes_paid) == (1, 45)
    assert rows["n2"].minutes_waiting == 14
    assert (rows["n5"].minutes_paid, rows["n5"].minutes_voided) == (30, 29)
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
    await evidence(measured)
    summary = await _settler(measured, money, AFTER - 1).settle_due()
    assert summary == {"settled": [], "failed": [], "more": False}


async def test_settling_twice_is_settling_once() -> None:
    """A duplicate trigger finds nothing to do."""
    measured, money = MemoryStore(), await _money()
    await evidence(measured)
    settler = _settler(measured, money, AFTER)
    await settler.settle_due()
    before = dict(money._documents)
    assert (await settler.settle_due())["settled"] == []
    assert money._documents == before


async def test_two_instances_at_once_settle_once() -> None:
    """One wins each epoch; tokens move once."""
    measured, money = MemoryStore(), await _money()
    await evidence(measured, epochs=3)
    now_s = AFTER + 2 * 3600
    await asyncio.gather(*(_settler(measured, money, now_s).settle_due() for _ in range(3)))
    await _assert_whole(money, epochs=3)


@pytest.mark.parametrize("dies_after", [False, True])
async def test_a_crash_at_any_call_is_resumed(dies_after: bool) -> None:
    """Reads and writes, before or after they took effect: the next run ends the same."""
    before, opened = MemoryStore(), await _money()
    await evidence(before, epochs=3)
    deaths, is_dead = 0, True
    while is_dead:
        measured, money = before.copy(), CrashingStore.beginning_as(opened)
        money.calls_left, money.dies_after = deaths, dies_after
        settler = _settler(measured, money, AFTER + 2 * 3600)
        with suppress(StoreError):
            await settler.settle_due()
        is_dead = money.is_dead
        money.calls_left = None
        await settler.settle_due()
        await _assert_whole(money, epochs=3)
        deaths += is_dead
    assert deaths > (5 if dies_after else 20)


async def test_accounts_follow_although_nothing_is_due_any_more() -> None:
    """A crash right after the last statement leaves the accounts behind; the next call sees it."""
    measured, money = MemoryStore(), await _money()
    await evidence(measured)
    settler = _settler(measured, money, AFTER)
    while not await Ledger(money).statement("s3", EPOCH):
        money.calls_left = money.calls
        with pytest.raises(StoreError):
            await settler.settle_due()
        money.calls_left = None
        money.calls += 1
    assert (await settler.settle_due())["settled"] == []
    assert (await Ledger(money).accounts()).nodes["n2"].pending_micros == 45 * MICROS_A_MINUTE


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
    await evidence(measured)
    settler = _settler(measured, money, AFTER + (EPOCHS_A_CALL_MAX + 7) * 3600)
    first = await settler.settle_due()
    assert (len(first["settled"]), first["more"]) == (EPOCHS_A_CALL_MAX, True)
    while (await settler.settle_due())["more"]:
        pass
    (balance,) = await Ledger(money).balances(["s3"])
    assert balance is not None
    assert balance.next_epoch == EPOCH + EPOCHS_A_CALL_MAX + 8


async def test_a_call_begins_no_epoch_after_its_time() -> None:
    """The caller waits for minutes only; what is left is the next call's."""
    measured, money = MemoryStore(), await _money()
    await evidence(measured)
    settler = _settler(measured, money, 0.0)
    late_s = itertools.count(AFTER + 100 * 3600, 7)
    settler.clock = lambda: float(next(late_s))
    summary = await settler.settle_due()
    assert 0 < len(summary["settled"]) <= SECONDS_MAX // 7
    assert summary["more"]


async def test_a_stream_that_ends_in_mid_epoch_pays_to_its_end() -> None:
    """The rest goes back to the sponsor; then only holding times run out."""
    ending = STREAM.model_copy(update={"ends_s": START_S + 3000.0})
    measured, money = MemoryStore(), await _money(ending)
    await evidence(measured, epochs=2, stream=ending)
    settler = _settler(measured, money, AFTER + 50 * 3600)
    await settler.settle_due()
    statements = await Ledger(money).statements("s3", 0, 200)
    assert [statement.epoch for statement in statements] == [EPOCH, EPOCH + 1, EPOCH + 2]
    first = statements[0]
    assert (first.rows[0].minutes_up, first.rows[0].minutes_waiting) == (50, 0)
    assert dict(first.rows[0].unpaid)[Reason.LAPSED] == 4
    assert first.refunded_micros == DEPOSIT - first.paid_micros > 0
    assert all((later.rows, later.paid_micros) == ((), 0) for later in statements[1:])
    (balance,) = await Ledger(money).balances(["s3"])
    assert balance is not None
    assert (balance.balance_micros, balance.is_closed, balance.due_epoch) == (0, True, None)
    accounts = await Ledger(money).accounts()
    assert accounts.nodes["n2"].available_micros == first.rows[0].earned_micros
    entries = await Ledger(money).entries("s3")
    assert [entry.kind for entry in entries] == [EntryKind.DEPOSIT, EntryKind.REFUND]


async def test_late_evidence_is_ignored_and_counted() -> None:
    """A sweep and a run recorded after the grace period change nothing any more."""
    measured, money = MemoryStore(), await _money()
    await evidence(measured)
    late = Ref("probe_results", Sweep(WHOLE, START_S // 60 + 3, 1, {}).id)
    (fields,) = await measured.get(late)
    assert fields is not None
    await measured.put(late, {**fields, "recorded_s": AFTER + 7})
    run = Ref("probe_results", run_id(START_S // 60 + 45))
    (fields,) = await measured.get(run)
    assert fields is not None
    await measured.put(run, {**fields, "ended_s": AFTER + 7})
    summary = await _settler(measured, money, AFTER).settle_due()
    assert summary["settled"][0]["late_documents_ignored"] == 2
    statement = await Ledger(money).statement("s3", EPOCH)
    assert statement is not None
    assert [row.minutes_unknown for row in statement.rows] == [1, 1]
    assert [row.minutes_waiting for row in statement.rows] == [29, 29]


async def test_what_a_confirmed_fraud_has_pending_comes_back() -> None:
    """As a new entry, to the balance; what was available already stays where it is."""
    measured, money = MemoryStore(), await _money()
    await evidence(measured, epochs=4)
    measurements = Measurements(measured)
    fraud_s = START_S + 4 * 3600 + 30.0
    caught = Check(
        "n2", "s3", 0, fraud_s, Verdict.FAIL, Reason.NO_STREAM, event=TrustChange.CONFIRMED
    )
    run = Run(int(fraud_s // 60), fraud_s, fraud_s, (), {}, (caught,))
    ref = Ref("probe_results", run.id)
    await measured.put(ref, RUNS.encode(run))
    assert (await measurements.runs(range(run.draw, run.draw + 1)))[0].checks == (caught,)
    await _settler(measured, money, AFTER + 4 * 3600).settle_due()
    statements = await Ledger(money).statements("s3", 0, 200)
    earned = [statement.rows[0].earned_micros for statement in statements]
    last = statements[-1]
    assert (last.rows[0].node_id, last.rows[0].forfeited_micros) == ("n2", sum(earned[2:4]))
    assert last.balance_after_micros == last.balance_before_micros + sum(earned[2:4])
    account = (await Ledger(money).accounts()).nodes["n2"]
    assert (account.available_micros, account.pending_micros) == (sum(earned[:2]), 0)
    assert account.forfeited_micros == sum(earned[2:4])
    (balance,) = await Ledger(money).balances(["s3"])
    assert balance is not None
    assert balance.deposited_micros + balance.returned_micros == (
        balance.balance_micros + balance.paid_micros
    )
    entries = await Ledger(money).entries("s3")
    assert [entry.kind for entry in entries] == [EntryKind.DEPOSIT, EntryKind.FORFEIT]


async def test_a_node_that_changes_its_stream_in_mid_epoch_is_in_both_statements() -> None:
    """Each minute counts for one of them."""
    measured, money = MemoryStore(), await _money()
    other = STREAM.model_copy(update={"stream_id": "s5"})
    await Ledger(money).open(opening_balance(other, DEPOSIT, CALENDAR))
    measurements = Measurements(measured)
    await measurements.create_stream(STREAM)
    await measurements.create_stream(other)
    half = START_S // 60 + 30
    moved_s = half * 60.0
    before = replace(slot_of("n2"), left_tick=half, left_reason="left", changed_s=moved_s)
    after = replace(slot_of("n2"), stream_id="s5", joined_tick=half)
    await measurements.put_roster(Roster(WHOLE, 1, 1.0, (before, after)))
    up = Poll(Outcome.UP, Reason.OK, 1, 1)
    for tick in range(START_S // 60, START_S // 60 + 60):
        polls = {0: up} if tick < half else {1: up}
        await measurements.create_sweep(Sweep(WHOLE, tick, 1, polls), START_S)
    await _settler(measured, money, AFTER).settle_due()
    for stream_id in ("s3", "s5"):
        statement = await Ledger(money).statement(stream_id, EPOCH)
        assert statement is not None
        assert [(row.minutes_due, row.minutes_up) for row in statement.rows] == [(30, 30)]


async def test_all_nodes_unmeasured_keep_what_they_had() -> None:
    """Our own fault: up stays up, through the whole epoch and into the next check."""
    measured, money = MemoryStore(), await _money()
    await evidence(measured, epochs=1)
    down = Run(START_S // 60 + 61, AFTER, AFTER, (), {}, ())
    await Measurements(measured).record_run(down, AFTER)
    await _settler(measured, money, AFTER + 3600).settle_due()
    second = await Ledger(money).statement("s3", EPOCH + 1)
    assert second is not None
    rows = {row.node_id: row for row in second.rows}
    for row in rows.values():
        assert (row.minutes_unknown, row.minutes_up) == (60, 60)
    assert rows["n2"].minutes_waiting == 74
    assert rows["n5"].minutes_unpaid(Reason.AFTER_FAILURE) == 60


async def test_an_epoch_without_any_sweep_pays_nobody() -> None:
    """Nothing was measured, so nothing is known, so nothing is paid yet."""
    measured, money = MemoryStore(), await _money()
    measurements = Measurements(measured)
    await measurements.create_stream(STREAM)
    await measurements.put_roster(Roster(WHOLE, 1, 1.0, (slot_of("n2"),)))
    await measurements.create_sweep(Sweep(WHOLE, START_S // 60 - 7, 1, {}, since_tick=1), START_S)
    await _settler(measured, money, AFTER).settle_due()
    statement = await Ledger(money).statement("s3", EPOCH)
    assert statement is not None
    assert [(r.minutes_due, r.minutes_unknown, r.minutes_paid) for r in statement.rows] == [
        (60, 60, 0)
    ]


async def test_minutes_in_which_the_ingest_had_no_stream_are_not_up() -> None:
    """Or a node could claim them while nobody can check."""
    measured, money = MemoryStore(), await _money()
    await evidence(measured)
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


async def _broken(money: MemoryStore) -> None:
    """A stream due as well, of whose last statement a part is lost."""
    other = STREAM.model_copy(update={"stream_id": "s2"})
    await Ledger(money).open(opening_balance(other, DEPOSIT, CALENDAR))
    head = {"stream_epoch": f"s2:{EPOCH - 1:010d}", "chunks": 2, "rows": b""}
    await money.put(Ref("statements", f"s2:{EPOCH - 1:010d}"), head)


async def test_a_stream_that_cannot_be_settled_keeps_no_other_from_being_paid() -> None:
    """It is an error of ours, which somebody has to look at; the others need not wait for that."""
    measured, money = MemoryStore(), await _money()
    await evidence(measured)
    await Measurements(measured).create_stream(STREAM.model_copy(update={"stream_id": "s2"}))
    await _broken(money)
    settings = PayoutSettings.from_env(
        {"GOOGLE_CLOUD_PROJECT": "tests", "LOG_LEVEL": "ERROR", "GRACE_SECONDS": "120"}
    )
    answer = build_on(measured, money, settings, lambda: AFTER, None)
    transport = httpx.ASGITransport(app=Starlette(routes=[Route("/", answer, methods=["POST"])]))
    async with httpx.AsyncClient(transport=transport, base_url="http://payout") as client:
        told = await client.post("/")
    assert told.status_code == 500
    assert [line["stream_id"] for line in told.json()["settled"]] == ["s3"]
    assert told.json()["failed"] == ["s2"]
    assert (await Ledger(money).statement("s3", EPOCH)) is not None


async def test_accounts_that_cannot_follow_keep_no_other_stream_from_being_paid() -> None:
    """The stream itself is not settled further before somebody has looked at it."""
    measured, money = MemoryStore(), await _money()
    await evidence(measured)
    await Measurements(measured).create_stream(STREAM.model_copy(update={"stream_id": "s2"}))
    await _broken(money)
    (balance,) = await Ledger(money).balances(["s2"])
    assert balance is not None
    fields = {**BALANCES.encode(balance), "follow_epoch": EPOCH - 1}
    await money.put(Ref("balances", "s2"), fields)
    summary = await _settler(measured, money, AFTER).settle_due()
    assert [line["stream_id"] for line in summary["settled"]] == ["s3"]
    assert summary["failed"] == ["s2"]


async def test_a_stream_that_nobody_finds_counts_as_failed() -> None:
    """Its balance waits for it, and the job that failed is what ops are called for."""
    measured, money = MemoryStore(), await _money()
    await evidence(measured)
    lost = STREAM.model_copy(update={"stream_id": "s2"})
    await Ledger(money).open(opening_balance(lost, DEPOSIT, CALENDAR))
    summary = await _settler(measured, money, AFTER).settle_due()
    assert [line["stream_id"] for line in summary["settled"]] == ["s3"]
    assert summary["failed"] == ["s2"]


async def test_what_one_call_could_not_show_the_next_one_shows() -> None:
    """By the same process, although there is nothing left to settle."""
    measured, money = MemoryStore(), await _money()
    await evidence(measured)
    settler = _settler(measured, money, AFTER)
    await measured.put(Ref("projections", "money"), {"format": 1, "revision": 1})  # cannot be read
    assert len((await settler.settle_due())["settled"]) == 1
    await measured.put(Ref("projections", "money"), MONEY_PROJECTIONS.encode(MoneyProjection()))
    assert (await settler.settle_due())["settled"] == []
    page = await Measurements(measured).money_projection()
    assert page is not None
    assert page.applied == {"s3": EPOCH}


async def test_whatever_else_is_damaged_pay_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    """Jobs, the page of tokens and webhooks are looked at in the same call. It is no call after
    which nothing is left to do, and the line that an alarm waits for says so."""
    measured, money = MemoryStore(), await _money()
    await evidence(measured)
    for day in days_around(AFTER):
        await measured.put(Ref("schedule_days", day.isoformat()), {"day": "damaged"})
    await measured.put(Ref("projections", "money"), {"format": 1, "revision": 1})
    await money.put(Ref("webhooks", "s3"), {"due_s": 1.0})
    job = "projects/tests/locations/here/jobs/prober"
    told = {
        "GRACE_SECONDS": "120",
        "GOOGLE_CLOUD_PROJECT": "tests",
        "SCHEDULER_SWITCHED": job,
    }
    settings = PayoutSettings.from_env(told)
    answer = build_on(measured, money, settings, lambda: AFTER, MemoryScheduler())
    transport = httpx.ASGITransport(app=Starlette(routes=[Route("/", answer, methods=["POST"])]))
    async with httpx.AsyncClient(transport=transport, base_url="http://payout") as client:
        told_back = await client.post("/")
    assert [line["stream_id"] for line in told_back.json()["settled"]] == ["s3"]
    assert (told_back.status_code, told_back.json()["jobs"]) == (503, "unclear")
    assert told_back.json()["webhooks"] == {"receivers": 0, "delivered": 0}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ends = [line["result"] for line in lines if line["message"] == LogEvent.PAYOUT_ENDED]
    assert ends == ["again"]
